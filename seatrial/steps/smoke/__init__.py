"""Prove an image, or what is deployed, by its checks."""
