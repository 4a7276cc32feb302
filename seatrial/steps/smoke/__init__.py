"""Run the smoke checks of an image, or of what is deployed."""
