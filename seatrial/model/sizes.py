"""Sizes in bytes, as the docker CLI reads them."""

from __future__ import annotations

import re

from seatrial.errors import UsageError, sanitize

__all__ = ["LEAST_MEMORY", "parse_bytes"]

_SIZE = re.compile(r"([0-9]{1,15})([bkmg]?)", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
LEAST_MEMORY = 6 * _UNITS["m"]
"""The smallest memory limit that the engine accepts, in bytes."""


def parse_bytes(name: str, text: str, *, least: int = 1) -> int:
    """Return a size such as `512m` in bytes; `name` is the setting, or the flag with its dashes, for the error."""
    found = _SIZE.fullmatch(text)
    if found and (size := int(found[1]) * _UNITS[found[2].lower()]) >= least:
        return size
    minimum = f", at least {least // _UNITS['m']}m" if least > 1 else ""
    flag = name.startswith("--")
    given = sanitize(text, limit=60)
    raise UsageError(
        f"{name} {given!r} is not a valid size" if flag else f"the setting {name}: {given!r} is not a valid size",
        reason=f"{name.lstrip('-')} is a number followed by b, k, m or g{minimum}, as in docker run --memory",
        hint=f"{name} 512m" if flag else f"{name}: 512m",
    )
