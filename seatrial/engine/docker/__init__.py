"""The Docker Engine over its API: through the SDK, or directly over the socket for simple requests."""
