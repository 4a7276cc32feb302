"""Checks over HTTP: requests, responses, and probing until the app answers."""
