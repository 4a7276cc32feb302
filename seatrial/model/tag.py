"""The grammar of a tag, which a version's text must fit; it is checked before anything else is loaded."""

from __future__ import annotations

import re

from seatrial.errors import UsageError, sanitize

__all__ = ["TAG", "check_version", "reason_against"]

_LONGEST = 128
TAG = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{_LONGEST - 1}}}")
"""Use it with fullmatch."""


def check_version(text: str) -> None:
    """Raise `UsageError` with the nearest valid version if a version's text cannot be a tag."""
    if not TAG.fullmatch(text):
        raise UsageError(
            f"{sanitize(repr(text), limit=60)} is not a valid version",
            reason=reason_against(text),
            hint=f"--version {_nearest(text)}",
        )


def reason_against(text: str) -> str:
    """Return why a text cannot be a tag."""
    if not text:
        return "it is empty"
    if len(text) > _LONGEST:
        return f"a tag has at most {_LONGEST} characters, and this one has {len(text)}"
    return "a tag consists of letters, digits, _ . and -, and begins with a letter, a digit or _"


def _nearest(text: str) -> str:
    found = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.strip()).strip("-.")[:_LONGEST]
    return found or "1"
