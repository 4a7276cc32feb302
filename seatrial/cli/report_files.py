"""The files that a command writes about itself, and what is kept of a run that publishes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seatrial.cli.flags import ReportFlags
from seatrial.errors import SeatrialError, UsageError
from seatrial.output.documents import CommandDocument
from seatrial.output.hints import Call
from seatrial.output.report_file import ReportFile
from seatrial.pipeline.report import Report
from seatrial.pipeline.world import World

if TYPE_CHECKING:
    from seatrial.pipeline.ledger import Entry

__all__ = ["ReportFiles", "find_run", "page"]


class ReportFiles:
    """The files that a call names for its reports; creating the object raises `UsageError` for one that cannot be.

    With `check` nothing is written.
    """

    def __init__(self, flags: ReportFlags, *, junit: str | None, check: bool) -> None:
        self._check = check
        self._junit = _file(junit, "--junit", "smoke.xml", check=check)
        self._page = _file(flags.report, "--report", "report.html", check=check)

    def write(self, report: Report, call: Call, world: World) -> None:
        """Write all of them, and keep the document of a run that publishes; `StepFailed` if one cannot be written."""
        from seatrial.output.json_report import command_document

        if self._check:
            return
        document = command_document(report, call)
        if report.publishing:
            world.state.save_run(world.process.run, msgspec.to_builtins(document))
        if self._junit:
            from seatrial.output.junit import as_junit

            self._write(self._junit, as_junit(report, call), world)
        if self._page:
            self._write(self._page, page(document, world), world)

    @staticmethod
    def _write(file: ReportFile, content: bytes, world: World) -> None:
        file.write(content)
        world.state.save_report(file.path)


def _file(name: str | None, flag: str, example: str, *, check: bool) -> ReportFile | None:
    return None if name is None else ReportFile(name, flag=flag, example=example, check=check)


def page(document: CommandDocument, world: World) -> bytes:
    """Return the page about a run, with what the ledger and the state folder have to say."""
    from seatrial.output.page.page import Page

    entries: Sequence[Entry] = ()
    with suppress(SeatrialError):  # a page without the releases is better than none
        entries = world.ledger.entries(document.repository) if document.repository else ()
    picture = document.screenshot or (document.verdict.screenshot if document.verdict else None)
    made = Page(document=document, entries=entries, screenshot=_content(picture) if picture else b"")
    return made.html().encode("utf-8", "backslashreplace")


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def find_run(world: World, app: str, version: str | None) -> CommandDocument:
    """Return the document of the last run that published an app, or a version of it; raise `UsageError` without one."""
    for document in _runs(world):
        if document.app == app and version in (None, document.version):
            return document
    raise UsageError(
        f"there is no report of {' '.join(filter(None, (app, version)))}",
        reason="no release, push or rollback of it is kept in the state folder",
        hint="invoke status (shows what is published)",
    )


def _runs(world: World) -> Iterator[CommandDocument]:
    for kept in world.state.runs():
        with suppress(msgspec.ValidationError):
            yield msgspec.convert(kept, CommandDocument)
