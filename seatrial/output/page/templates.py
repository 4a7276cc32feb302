"""The templates of all pages, and the style sheet that they share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seatrial.errors import sanitize, sanitize_line
from seatrial.output.page.chart import LONGEST_NAME, long_seconds
from seatrial.wording import pluralize, short_digest, spaced_size

__all__ = ["style_sheet", "templates"]

_FOLDER = Path(__file__).parent


def style_sheet() -> str:
    """Return the style sheet."""
    return (_FOLDER / "report.css").read_text("utf-8")


def templates() -> Environment:
    """Return the templates, which escape what they show."""
    found = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "count": pluralize,
        "cut": _cut,
        "lines": lambda lines: "\n".join(map(sanitize_line, lines)),
        "moment": _moment,
        "seconds": long_seconds,
        "short": short_digest,
        "size": spaced_size,
        "slug": lambda name: name.lower().replace(" ", "-"),
    }
    return found


def _moment(when: str) -> str:
    """Return a time in ISO 8601 as people read it, in UTC."""
    try:
        return datetime.fromisoformat(when).astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC")
    except (ValueError, OverflowError):
        return sanitize(when)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
