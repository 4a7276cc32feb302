"""The builders: BuildKit over the API, the classic builder, docker buildx."""
