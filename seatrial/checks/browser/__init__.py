"""Open a page in headless Chromium and report its errors."""
