"""Numbers and versions on the command line."""

from __future__ import annotations

from seatrial.cli.flags import ImageFlags
from seatrial.errors import UsageError, sanitize
from seatrial.model.version import Version

__all__ = ["typed_version", "whole_number"]


def whole_number(text: str, flag: str, *, least: int, most: int, reason: str, example: int) -> int:  # noqa: PLR0913  each argument is one thing
    """Return the number that a flag has; raise `UsageError` for anything but a whole number in this range."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise UsageError(f"{flag} {sanitize(repr(text), limit=60)} is not valid", reason=reason, hint=f"{flag} {example}")


def typed_version(image: ImageFlags) -> Version | None:
    """Return the version that was typed, None for none; raise `UsageError` if it is not valid."""
    return None if image.version is None else Version.parse(image.version)
