"""Render a run's document and the ledger as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seatrial import __version__
from seatrial.errors import sanitize, sanitize_line
from seatrial.output.documents import CommandDocument
from seatrial.output.page.chart import long_seconds
from seatrial.output.page.view import Excerpt, View
from seatrial.pipeline.ledger import Entry
from seatrial.wording import pluralize, short_digest, spaced_size

__all__ = ["Page"]

_FOLDER = Path(__file__).parent
_MOST_LINES = 2000
_LARGEST_PICTURE = 3_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_LONGEST_NAME = 12


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page about one run: its document, the ledger's entries of its repository, a screenshot, the build's log.

    A screenshot that is no PNG, or too large, is left out, and so is the beginning of a long log.
    """

    document: CommandDocument
    entries: Sequence[Entry] = ()
    screenshot: bytes = b""
    log: Sequence[str] = field(default=(), repr=False)

    def html(self) -> str:
        """Return the page."""
        fits = self.screenshot.startswith(_PNG) and len(self.screenshot) <= _LARGEST_PICTURE
        log = Excerpt(shown=tuple(self.log[-_MOST_LINES:]), total=len(self.log))
        picture = base64.b64encode(self.screenshot).decode() if fits else ""
        view = View(document=self.document, entries=self.entries, picture=picture, log=log)
        css = (_FOLDER / "report.css").read_text("utf-8")
        return (
            _environment()
            .get_template("report.html.j2")
            .render(d=self.document, view=view, css=css, seatrial=__version__)
        )


def _environment() -> Environment:
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
    except ValueError:
        return sanitize(when)


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
