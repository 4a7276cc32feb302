"""Build the image of a version."""
