"""The files that a command writes about itself, and what is kept of a run that publishes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seatrial.cli.flags import ReportFlags
from seatrial.errors import SeatrialError, StepFailed, UsageError
from seatrial.output.hints import Call
from seatrial.output.report_file import ReportFile
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.report import Report
from seatrial.pipeline.world import World
from seatrial.settings.variables import GitHub, environment

if TYPE_CHECKING:  # most runs write nothing
    from seatrial.model.app import App
    from seatrial.output.documents import CommandDocument
    from seatrial.output.page.page import Page
    from seatrial.pipeline.ledger import Entry

__all__ = ["ReportFiles", "find_run", "find_runs", "page"]


class ReportFiles:
    """The files that a call names for its reports; creating the object raises `UsageError` for one that cannot be.

    With `check` nothing is written.
    """

    def __init__(self, flags: ReportFlags, *, junit: str | None, check: bool) -> None:
        self._check = check
        self._junit = _file(junit, "--junit", "smoke.xml", check=check)
        self._page = _file(flags.report, "--report", "report.html", check=check)
        self._dotenv = _file(flags.dotenv, "--dotenv", "release.env", check=check)

    @property
    def wanted(self) -> bool:
        """Whether anything is to be written, whatever the run does."""
        return bool(self._junit or self._page or self._dotenv or environment().github)

    def write(self, report: Report, call: Call, world: World) -> None:
        """Write all of them, and keep the document of a run that published or failed to.

        Raise `StepFailed` if one cannot be written.
        """
        kept = [one.app for one in report.apps or (report,) if self._keeps(one)]
        if not kept and not self.wanted:
            return
        from seatrial.output.json_report import command_document

        document = command_document(report, call)
        for one in document.apps or (document,):
            if (one.app or "") in kept:
                world.state.save_run(f"{world.process.run}-{one.app}", msgspec.to_builtins(one))
        if not self._check:
            self._write_files(report, document, call, world)
        if github := environment().github:
            _hand_over(github, document, world)

    def _keeps(self, report: Report) -> bool:
        return report.publishing is not None and report.status is not Status.OK and not self._check

    def _write_files(self, report: Report, document: CommandDocument, call: Call, world: World) -> None:
        if self._junit:
            from seatrial.output.junit import as_junit

            self._write(self._junit, as_junit(report, call), world)
        if self._page:
            self._write(self._page, page(document, world), world)
        if self._dotenv:
            from seatrial.output.ci.results import as_dotenv

            self._write(self._dotenv, as_dotenv(document), world)

    @staticmethod
    def _write(file: ReportFile, content: bytes, world: World) -> None:
        file.write(content)
        world.state.save_report(file.path)


def _file(name: str | None, flag: str, example: str, *, check: bool) -> ReportFile | None:
    return None if name is None else ReportFile(name, flag=flag, example=example, check=check)


def _hand_over(github: GitHub, document: CommandDocument, world: World) -> None:
    """Append outputs and summary to the files in which GitHub takes them; outputs only of what was done."""
    from seatrial.output.ci.results import results
    from seatrial.output.ci.summary import as_markdown
    from seatrial.output.ci.workflow_commands import output_lines
    from seatrial.output.page.view import View

    if github.output and not document.check:
        _append(github.output, output_lines(results(document)))
    for one in document.apps or (document,):
        if github.summary and one.app:
            _append(github.summary, as_markdown(one, View(document=one, entries=_releases(one, world))))


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise StepFailed(
            f"{path} cannot be written",
            reason=error.strerror or str(error),
            hint="check GITHUB_OUTPUT and GITHUB_STEP_SUMMARY, then run it again",
        ) from error


def _releases(document: CommandDocument, world: World) -> Sequence[Entry]:
    try:
        return world.ledger.entries(document.repository) if document.repository else ()
    except SeatrialError:  # a report without the other releases is better than none
        return ()


def page(document: CommandDocument, world: World) -> bytes:
    """Return the page about a run, with what the ledger and the state folder have to say."""
    return _page(document, world).html().encode("utf-8", "backslashreplace")


def _page(document: CommandDocument, world: World) -> Page:
    from seatrial.output.page.page import Page

    picture = document.screenshot or (document.verdict.screenshot if document.verdict else None)
    return Page(
        document=document,
        entries=_releases(document, world),
        screenshot=_content(picture) if picture else b"",
        log=_lines(document.build_log or os.devnull),
        apps=[_page(one, world) for one in document.apps or ()],
    )


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _lines(path: str) -> Iterator[str]:
    with suppress(OSError), Path(path).open(encoding="utf-8", errors="replace") as file:
        yield from file


def find_runs(world: World, apps: Sequence[App], version: str | None) -> CommandDocument:
    """Return the document of the last run that published the app, or of several one with those of all that published.

    Raise `UsageError` without one.
    """
    found: list[CommandDocument] = []
    for app in apps:
        try:
            found.append(find_run(world, app, version))
        except UsageError:
            if app is apps[-1] and not found:
                raise
    if len(found) == 1:
        return found[0]
    from seatrial.output.documents import together

    return together(found)


def find_run(world: World, app: App, version: str | None) -> CommandDocument:
    """Return the document of the last run that published an app in its environment, or a version of it.

    Raise `UsageError` without one.
    Of a run whose document is not kept any more, it holds what the ledger knows.
    """
    from seatrial.output.ledger_document import ledger_document

    for document in _runs(world):
        of_app = (document.app, document.environment or "") == (app.name, app.settings_environment)
        if of_app and version in (None, document.version):
            return document
    for entry in world.ledger.newest_first():
        published = entry.service is None and entry.is_of(app.name, app.settings_environment)
        if published and version in (None, entry.version):
            return ledger_document(entry)
    raise UsageError(
        f"there is no report of {' '.join(filter(None, (app.name, version)))}",
        reason="neither the state folder nor the ledger knows of a release, push or rollback of it",
        hint="invoke status (shows what is published)",
    )


def _runs(world: World) -> Iterator[CommandDocument]:
    from seatrial.output.documents import CommandDocument

    for kept in world.state.runs():
        with suppress(msgspec.ValidationError):
            yield msgspec.convert(kept, CommandDocument)
