"""Registries over HTTP, and the credentials that Docker keeps for them."""
