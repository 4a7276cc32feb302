"""Set up what a release needs: an engine, a base image, a local registry."""
