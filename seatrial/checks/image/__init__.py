"""The image checks: user, port, health check, secrets, files, labels, size."""
