"""Numbers on the command line."""

from __future__ import annotations

from seatrial.errors import UsageError, sanitize

__all__ = ["whole_number"]


def whole_number(text: str, flag: str, *, least: int, most: int, reason: str, example: int) -> int:  # noqa: PLR0913  each argument is one thing
    """Return the number that a flag has; raise `UsageError` for anything but a whole number in this range."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise UsageError(f"{flag} {sanitize(repr(text), limit=60)} is not valid", reason=reason, hint=f"{flag} {example}")
