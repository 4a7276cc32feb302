"""A page opened in a headless Chromium."""
