"""Names of projects and apps."""

from __future__ import annotations

import re

from seatrial.errors import UsageError, sanitize

__all__ = ["parse_name", "slug"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_SEPARATOR = re.compile(r"\.|__?|-+")  # between the words of an image's name


def parse_name(text: str) -> str:
    """Return `text` if a project or an app can have it as a name; `UsageError` otherwise."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{sanitize(repr(text), limit=60)} is not a valid name",
            reason="a name consists of lowercase letters, digits, _ . - and has at most 63 characters",
            hint=f"--app {slug(text)}",
        )
    return text


def slug(text: str) -> str:
    """Return the valid name that resembles `text` most; it is a valid name of an image, too."""
    return re.sub(r"[^a-z0-9]+", _separator, text.lower()).strip("-._")[:63].rstrip("-._") or "app"


def _separator(found: re.Match[str]) -> str:
    return found[0] if _SEPARATOR.fullmatch(found[0]) else "-"
