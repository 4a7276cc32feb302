"""The report as Markdown, for the page that a CI system shows about a job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from seatrial.errors import sanitize, sanitize_line
from seatrial.output.documents import CommandDocument, ErrorDocument
from seatrial.output.page.chart import long_seconds
from seatrial.output.page.view import View
from seatrial.pipeline.outcome import Status
from seatrial.wording import and_more, pluralize, short_digest, spaced_size

__all__ = ["as_markdown"]

_SIGNS = {Status.OK: "✅", Status.CHANGED: "✅", Status.SKIPPED: "⏭️", Status.UNKNOWN: "❔", Status.FAILED: "❌"}
_MOST_LINES, _MOST_ROWS = 50, 100
# What Markdown or GitHub reads as more than text; @ and # would name people and issues.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~@&$:-])")


def as_markdown(document: CommandDocument, view: View) -> str:
    """Return the report as Markdown, with all text from outside escaped."""
    return "\n".join(_lines(document, view)) + "\n"


def _lines(document: CommandDocument, view: View) -> Iterator[str]:
    yield f"## {_SIGNS[document.status]} {_text(view.title)}"
    if document.environment:
        yield from ("", f"Environment: **{_text(document.environment)}**")
    if document.check:
        yield from ("", "Check mode: nothing was changed.")
    if view.tiles:
        yield from ("", " · ".join(f"{_text(one.name)}: **{_text(one.value)}**" for one in view.tiles))
    if view.error:
        yield from _error(view.error)
    rows = [
        (
            f"{_SIGNS[step.status]} {step.status}",
            step.step,
            f"{step.message}: {step.reason}" if step.reason else step.message,
            long_seconds(step.seconds) if step.seconds else "",
        )
        for step in document.steps
    ]
    yield from _table(("Status", "Step", "What happened", "Time"), rows)
    names = [
        (one.reference, one.version_before or short_digest(one.before or "nothing"), one.digest or "not published")
        for one in document.image.references
    ]
    yield from _table(("Published", "Before", "Digest now"), names, code=(0, 2))
    bad = [("warns" if one.warns else "failed", one.check, one.problem or "") for one in view.problems]
    yield from _table(("Result", "Check", "Problem"), bad)
    if document.changes and document.changes.commits:
        yield from (
            "",
            f"**{pluralize(len(document.changes.commits), 'commit')} since {_text(document.changes.version)}**",
        )
        commits = [(one.commit[:10], one.subject, one.author) for one in document.changes.commits]
        yield from _table(("Commit", "Subject", "Author"), commits, code=(0,))
    if document.image.size:
        size = spaced_size(document.image.size)
        yield from ("", f"Image {_code(document.image.name or '')}, {size}, {_code(document.image.id or '')}")


def _error(error: ErrorDocument) -> Iterator[str]:
    yield from ("", f"**{_text(error.message)}**", "")
    yield f"- why: {_text(error.reason)}"
    yield f"- next: {_code(error.hint)}"
    if error.cause:
        yield f"- cause: {_code(error.cause)}"
    if error.details:
        yield from ("", "<details><summary>Evidence</summary>", "")
        yield from _indented(error.details[:_MOST_LINES])
        yield from ("", "</details>")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, code: Sequence[int] = ()) -> Iterator[str]:
    """Yield a table, if it has rows; cells in the columns `code` are code."""
    if not rows:
        return
    yield from ("", f"| {' | '.join(header)} |", f"|{'---|' * len(header)}")
    for row in rows[:_MOST_ROWS]:
        cells = (_code(cell) if number in code else _text(cell) for number, cell in enumerate(row))
        yield f"| {' | '.join(cells)} |"
    if more := and_more(len(rows) - _MOST_ROWS):
        yield f"| {more} {'| ' * len(header)}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as a block of code: nothing in them can end it."""
    return (f"    {sanitize_line(part)}" for line in lines for part in line.splitlines())


def _text(text: str) -> str:
    """Return text from outside on one line, so that it is shown as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(sanitize(text).split()))


def _code(text: str) -> str:
    """Return text from outside as code; a table's bar and a backtick cannot stand in it."""
    plain = " ".join(sanitize(text, limit=2000).split()).replace("|", "¦").replace("`", "'")
    return f"`{plain}`" if plain else ""
