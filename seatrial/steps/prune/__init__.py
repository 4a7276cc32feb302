"""Remove images that nobody needs any more."""
