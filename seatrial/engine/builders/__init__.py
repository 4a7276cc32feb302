"""The builders: BuildKit over the API, and docker buildx."""
