"""What an image must show before it is pushed."""
