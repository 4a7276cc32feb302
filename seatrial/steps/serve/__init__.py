"""Serve the app on this machine, and end it."""
