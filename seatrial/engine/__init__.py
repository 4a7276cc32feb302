"""The Docker Engine in Seatrial's own types: over its API, and in memory."""
