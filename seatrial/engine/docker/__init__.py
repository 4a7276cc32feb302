"""The Docker Engine over its API: the SDK, and the socket itself where that is enough."""
