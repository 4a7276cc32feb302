"""Seatrial takes a folder with a web app and a Dockerfile and gets it, tested, into a registry."""

__all__ = ["__version__"]

__version__ = "0.1.0"
