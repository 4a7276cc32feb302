"""Make the image of a version."""
