"""The checks that an image must pass before it is pushed."""
