"""The steps of every command: setup, build, smoke, serve, publish."""
