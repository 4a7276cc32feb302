"""Numbers, sizes, times, names and digests as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = [
    "and_more",
    "human_ago",
    "human_size",
    "nearest",
    "pluralize",
    "prefixed_digest",
    "short_digest",
    "spaced_size",
    "summarize_names",
]

_LISTED = 5
_LEAST_LIKENESS = 0.5
_SHORT_DIGEST = 12
_THOUSAND = 1000.0
# Below so many hours, use units of so many hours, as Docker's own human-readable durations do.
_UNITS = (
    (48, 1, "hours"),
    (14 * 24, 24, "days"),
    (60 * 24, 7 * 24, "weeks"),
    (2 * 365 * 24, 30 * 24, "months"),
)
_HOURS_A_YEAR = 365 * 24


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun: `1 check`, `2 checks`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def and_more(left_out: int) -> str:
    """Return how many are left out of a list: `and 3 more`, or nothing for none."""
    return f"and {left_out} more" if left_out > 0 else ""


def summarize_names(names: Sequence[str], *, count: int | None = None) -> str:
    """Return the first five names, and how many more there are of `count` (default: all of `names`)."""
    more = and_more((len(names) if count is None else count) - _LISTED)
    return f"{', '.join(names[:_LISTED])} {more}".rstrip()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` is most likely a misspelling of, or None."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=_LEAST_LIKENESS)), None)


def short_digest(digest: str) -> str:
    """Return the first twelve digits of a sha256 digest, as the docker CLI shows an id; anything else as it is."""
    return digest.removeprefix("sha256:")[:_SHORT_DIGEST] if digest.startswith("sha256:") else digest


def prefixed_digest(digest: str) -> str:
    """Return `sha256:` and the first twelve digits of a digest; anything else as it is."""
    return digest[: len("sha256:") + _SHORT_DIGEST] if digest.startswith("sha256:") else digest


def human_size(size: int) -> str:
    """Return bytes in Docker's decimal units with three figures: `72.8MB`."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= _THOUSAND and len(units) > 1:
        value /= _THOUSAND
        units.pop(0)
    return f"{value:.3g}{units[0]}" if value < 999.5 else f"{value:.4g}{units[0]}"  # noqa: PLR2004


def spaced_size(size: int) -> str:
    """Return bytes in Docker's units with a space before the unit: `3.4 MB`."""
    return re.sub(r"(?=[a-zA-Z]+$)", " ", human_size(size), count=1)


def human_ago(seconds: float) -> str:
    """Return how long ago something was, as Docker says it: `4 weeks ago`."""
    whole, hours = max(0, int(seconds)), int(seconds / 3600 + 0.5)
    if whole < 60:  # noqa: PLR2004
        words = "Less than a second" if whole < 1 else pluralize(whole, "second")
    elif whole < 3600:  # noqa: PLR2004
        words = "About a minute" if whole < 120 else f"{whole // 60} minutes"  # noqa: PLR2004
    elif hours == 1:
        words = "About an hour"
    elif unit := next((unit for unit in _UNITS if hours < unit[0]), None):
        words = f"{hours // unit[1]} {unit[2]}"
    else:
        words = f"{whole // 3600 // _HOURS_A_YEAR} years"  # Docker rounds hours, but not years
    return f"{words} ago"
