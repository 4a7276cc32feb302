"""What an image is like: user, port, files, secrets, size."""
