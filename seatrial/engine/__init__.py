"""The Docker Engine, over its API, in Seatrial's own types."""
