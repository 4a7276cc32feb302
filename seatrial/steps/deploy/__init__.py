"""Deploy: an app runs as a service of Docker Swarm."""
