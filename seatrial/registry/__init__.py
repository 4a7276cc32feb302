"""Registries over HTTP, and the credentials that Docker stores for them."""
