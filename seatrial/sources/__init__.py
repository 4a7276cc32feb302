"""What an image is built from: build context, .dockerignore, Dockerfile, secret files, git."""
