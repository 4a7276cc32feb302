"""Frozen types: apps and their checks, image references, versions, platforms, sizes, policies."""
