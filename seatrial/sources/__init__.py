"""What an image is made of: build context, .dockerignore, Dockerfile, secret files, git."""
