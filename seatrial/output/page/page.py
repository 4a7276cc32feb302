"""Render a run's document and the ledger as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import Struct

from seatrial import __version__
from seatrial.output.documents import CommandDocument
from seatrial.output.page.templates import style_sheet, templates
from seatrial.output.page.view import Excerpt, View
from seatrial.pipeline.ledger import Entry

__all__ = ["Page"]

_MOST_LINES = 2000
_LARGEST_PICTURE = 3_000_000
_PNG = b"\x89PNG\r\n\x1a\n"


class Page(Struct, frozen=True, kw_only=True):
    """A page about one run: its document, the ledger's entries of its repository, a screenshot, the build's log.

    A screenshot that is no PNG, or too large, is left out, and so is the beginning of a long log. Of a run of several
    apps `apps` are the pages about each.
    """

    document: CommandDocument
    entries: Sequence[Entry] = ()
    screenshot: bytes = b""
    log: Iterable[str] = ()
    apps: Sequence[Page] = ()

    def html(self) -> str:
        """Return the page."""
        page = templates().get_template("report.html.j2")
        views = [one.view for one in self.apps]
        return page.render(d=self.document, view=self.view, apps=views, css=style_sheet(), seatrial=__version__)

    @property
    def view(self) -> View:
        """What the page shows."""
        fits = self.screenshot.startswith(_PNG) and len(self.screenshot) <= _LARGEST_PICTURE
        picture = base64.b64encode(self.screenshot).decode() if fits else ""
        return View(document=self.document, entries=self.entries, picture=picture, log=_end(self.log))


def _end(lines: Iterable[str]) -> Excerpt:
    """Return the last lines of a log, which may be longer than the memory."""
    shown = deque[str](maxlen=_MOST_LINES)
    total = 0
    for line in lines:
        shown.append(line.rstrip("\n"))
        total += 1
    return Excerpt(shown=tuple(shown), total=total)
