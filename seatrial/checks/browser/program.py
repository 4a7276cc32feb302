"""Find what a visit needs: Playwright and a Chromium."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

from seatrial.errors import Unavailable, UsageError, sanitize

__all__ = ["find_browser"]

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ON_MACOS = tuple(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Google Chrome", "Chromium"))


def find_browser(named: str | None = None) -> str:
    """Return the path of the browser that is named, otherwise of the first Chromium found.

    Raise `UsageError` if the named one does not exist, and `Unavailable` if there is none or Playwright is missing.
    """
    if find_spec("playwright") is None:
        raise Unavailable(
            "Playwright is not installed",
            reason="smoke --browser controls Chromium through it, and no other command needs it",
            hint="pip install 'seatrial[browser]'",
            cause="no-browser",
        )
    if named is not None:
        if found := shutil.which(named):
            return found
        raise UsageError(
            f"there is no browser {sanitize(named, limit=100)}",
            reason="the setting browser names it, and there is no such program",
            hint="correct the setting browser, or remove it: the first Chromium found is used then",
            cause="no-browser",
        )
    for name in (*_PROGRAMS, *_ON_MACOS):
        if found := shutil.which(name):
            return found
    raise Unavailable(
        "there is no browser",
        reason=f"none of {', '.join(_PROGRAMS)} is on the PATH",
        hint="apt-get install -y --no-install-recommends chromium (or name one in the setting browser)",
        cause="no-browser",
    )
