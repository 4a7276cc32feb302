"""Get what must be there before an app can be shipped: an engine, a base image, a local registry."""
