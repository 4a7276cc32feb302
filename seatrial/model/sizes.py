"""Sizes in bytes, as the docker CLI reads them."""

from __future__ import annotations

import re
from decimal import Decimal

from seatrial.errors import UsageError, sanitize

__all__ = ["parse_bytes", "parse_memory"]

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(?:b|([kmgtp])(?:i?b)?)?", re.IGNORECASE | re.ASCII)
_UNITS = {unit: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}
_LARGEST = 2**63 - 1
_LEAST_MEMORY = 6 * _UNITS["m"]  # the engine accepts no smaller limit


def parse_bytes(text: str, *, least: int = 1) -> int:
    """Return a size such as `512m`, `1.5g` or `512 MiB` in bytes; `UsageError` for anything else."""
    found = _SIZE.fullmatch(text[:60])
    size = int(Decimal(found[1]) * _UNITS[(found[2] or "").lower()]) if found else -1
    if not least <= size <= _LARGEST:
        minimum = f", at least {least // _UNITS['m']}m" if least > 1 else ""
        raise UsageError(
            f"{sanitize(repr(text), limit=60)} is not a valid size",
            reason=f"a size is a number followed by b, k, m, g, t or p{minimum}, as in docker run --memory",
            hint="--memory 512m",
        )
    return size


def parse_memory(text: str) -> int:
    """Return a memory limit in bytes; `UsageError` for one that the engine does not accept."""
    return parse_bytes(text, least=_LEAST_MEMORY)
