"""The Docker Engine as Seatrial speaks to it, in Seatrial's own types: over the API, and in memory."""
