"""The installed Chromium, as the browser's own tests find it."""

from __future__ import annotations

from tests.checks.browser.conftest import chromium

__all__ = ["chromium"]
