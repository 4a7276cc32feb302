"""A headless Chromium as a visitor: started, watched, asked over its DevTools, and ended whatever happens."""
