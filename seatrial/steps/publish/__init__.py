"""Publish a tested image in a registry, and move its tags."""
