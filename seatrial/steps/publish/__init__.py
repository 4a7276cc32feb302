"""Put an image that passed into a registry, and move its tags."""
