"""Show a command on the console: each step's name, its details, a line with its outcome; in the end the recap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seatrial.errors import LONGEST_MESSAGE, SeatrialError, sanitize, sanitize_line
from seatrial.events import (
    BuildEvent,
    BuildEventKind,
    BytesSent,
    CheckResult,
    Event,
    FactResult,
    Info,
    Progress,
    Retry,
    Transfer,
    Waiting,
    WarningEvent,
)
from seatrial.host.streams import write_command
from seatrial.output.detail import Detail
from seatrial.output.hints import UNKNOWN_CALL, Call
from seatrial.output.lines import Lines, Sections
from seatrial.output.recap import recap_rows, recap_table, recap_title
from seatrial.output.writer import FAILED_STYLE, STATUS_COLUMN, STEP_COLUMN, Writer
from seatrial.pipeline.build_log import BuildLines
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.report import Report
from seatrial.pipeline.step import Step
from seatrial.pipeline.transfers import TransferSummary
from seatrial.wording import and_more

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import RenderableType
    from rich.live import Live
    from rich.status import Status as Spinner

    from seatrial.output.build_tree import BuildTree

__all__ = ["Console"]

_COLOURS = {Status.OK: "green", Status.CHANGED: "yellow", Status.SKIPPED: "cyan"}
_COLOURS |= {Status.UNKNOWN: "magenta", Status.FAILED: FAILED_STYLE}
_SHOWN = (BuildEventKind.CACHED, BuildEventKind.DONE, BuildEventKind.FAILED, BuildEventKind.WARNING)
_DIGEST_COLUMN = 8
_LONGEST_DIFF = 40
_LONGEST_APP_COLUMN = 20
_NOTHING = "(none)"
_RECAP_COLUMN = len("not published ")


class Console:
    """An observer that writes to one stream; colours, wrapping and moving parts only on a terminal.

    `errors` True writes to standard error, so that standard output stays free for a JSON document. Hints are
    completed with `call`, how the task was called. `plain` turns moving parts off on a terminal, too. With `diff` a
    step's outcome comes with what it changes. With `sections` each step's details are one of a CI system's log. `apps`
    are the names of several apps: each line about a step names its app.
    """

    def __init__(  # noqa: PLR0913  each argument is one thing
        self,
        *,
        errors: bool,
        call: Call = UNKNOWN_CALL,
        plain: bool = False,
        detail: Detail = Detail.USUAL,
        diff: bool = False,
        sections: Sections | None = None,
        apps: Sequence[str] = (),
    ) -> None:
        self._out = Writer(errors=errors, call=call)
        self._app_column = min(max(map(len, apps), default=-1) + 1, _LONGEST_APP_COLUMN)
        self._plain = plain or detail is not Detail.USUAL
        self._shown = detail
        self._diff = diff
        self._sections = sections
        self._build_lines = BuildLines()
        self._spinner: Spinner | None = None
        self._waiting = ""
        self._live: Live | None = None
        self._tree: BuildTree | None = None
        self._transfers = TransferSummary()
        self._unnamed: Step | None = None

    @property
    def _moving(self) -> RichConsole | None:
        """The screen, if it may show moving parts of one app's step."""
        return None if self._app_column else self._terminal

    @property
    def _terminal(self) -> RichConsole | None:
        screen = self._out.screen
        return None if self._plain or isinstance(screen, Lines) or not screen.is_terminal else screen

    def working_on(self, text: str) -> None:
        """Show below all lines what several apps are doing; nothing if the text is empty."""
        if (screen := self._terminal) is None:
            return
        if text and self._spinner:
            self._spinner.update(text)
        elif text:
            self._spinner = screen.status(text)
            self._spinner.start()
        else:
            self._stop_moving()

    def shows(self, event: Event) -> bool:
        """Return whether an event of one of several apps has lines of its own."""
        if isinstance(event, BuildEvent):
            return event.kind in _SHOWN or self._shown is Detail.VERBOSE
        return not isinstance(event, Transfer | BytesSent | Waiting)

    def step_started(self, step: Step) -> None:
        """Show which step is running."""
        self._unnamed, self._build_lines = step, BuildLines()
        if step.writes and self._shown is not Detail.QUIET:
            self._name_step()
        elif screen := self._moving:
            self._waiting = self._named(step)
            self._spinner = screen.status(f"{self._named(step)} …")
            self._spinner.start()

    def on_event(self, event: Event) -> None:
        """Show progress."""
        if self._shown is Detail.QUIET:
            return
        if isinstance(event, BuildEvent):  # the first, because a build may have millions
            self._build_event(event)
        elif isinstance(event, WarningEvent):
            self._line(f"warning: {sanitize(event.text)}", style="yellow")
        elif isinstance(event, Info):
            self._line(sanitize(event.text), style="dim")
        elif isinstance(event, Retry):
            when = f"try {event.attempt} of {event.attempts} in {round(event.seconds, 1):g} s"
            self._line(f"{when}: {sanitize(event.text)}", style="dim")
        elif isinstance(event, FactResult):
            if event.warns:  # one that passed needs no line, one that failed is in the error
                self.on_event(WarningEvent(text=str(event)))
        elif isinstance(event, CheckResult):
            self._line(sanitize(str(event)), style="dim")
        else:
            self._progress(event)

    def _progress(self, event: Event) -> None:
        if isinstance(event, Transfer | BytesSent):
            self._transfer(event)
        elif isinstance(event, Waiting) and self._spinner:
            self._spinner.update(f"{self._waiting} … {sanitize(event.text)}")
        elif isinstance(event, Progress) and not self._spinner:
            self._line(sanitize(event.text), style="dim")

    def step_finished(self, outcome: Outcome) -> None:
        """Show a step's outcome."""
        self._stop_moving()
        if self._shown is Detail.QUIET and not outcome.error:
            return
        if moved := self._transfers.summary() or outcome.moved:
            self._line(moved, style="dim")
        self._transfers = TransferSummary()
        self._show_diff(outcome)
        self._unnamed = None
        if self._sections and (end := self._sections.end()):
            write_command(self._out.stream, end)
        took = f" ({outcome.seconds:.1f} s)" if outcome.seconds >= 0.1 else ""  # noqa: PLR2004
        self._out.print(f"{outcome.status.value:<{STATUS_COLUMN}}", style=_COLOURS[outcome.status], end="")
        what = f"{outcome.app:<{self._app_column - 1}} " if self._app_column else ""
        text = sanitize(f"{what}{outcome.step:<{STEP_COLUMN}} {outcome}{took}", limit=LONGEST_MESSAGE)
        self._out.print(self._out.wrapped(text, first=STATUS_COLUMN))
        if outcome.error:
            self.error(outcome.error, with_message=False, app=outcome.app)

    def _show_diff(self, outcome: Outcome) -> None:
        """Show what a step changes, as many lines as can be read."""
        for one in outcome.diff[:_LONGEST_DIFF] if self._diff else ():
            before, after = (_NOTHING if text is None else sanitize(text) for text in (one.before, one.after))
            self._line(f"{sanitize(one.name)}: {before} → {after}")
        if self._diff and (more := and_more(len(outcome.diff) - _LONGEST_DIFF)):
            self._line(f"{more} (--json lists all)")

    def error(self, error: SeatrialError, *, with_message: bool = True, app: str = "") -> None:
        """Show an error: its details, then why and what to type next; of several apps, for `app`."""
        self._stop_moving()
        self._out.error(error, with_message=with_message, app=app if self._app_column else "")

    def recap(self, report: Report) -> None:
        """Show how many steps have which status; then engine, image, builder, published names and address."""
        counts = report.counts
        self._out.print()
        self._out.print(recap_title(report), style="bold")
        self._table(report)
        for status in Status:
            if status is Status.UNKNOWN and not counts[status]:
                continue
            shown = _COLOURS[status] if counts[status] else "dim"
            self._out.print(f"{status.value}={counts[status]}  ", style=shown, end="")
        self._out.print(f"in {report.seconds:.1f} s")
        for name, value in recap_rows(report):
            # A row without a name is a digest: at column 8 it fits into 80 columns.
            self._out.print(f"{name:<{_RECAP_COLUMN if name else _DIGEST_COLUMN}}{value}")

    def _table(self, report: Report) -> None:
        """Show the status of each step of each of several apps."""
        screen = self._out.screen
        header, *rows = recap_table(report, width=screen.width if screen.is_terminal else None) or [()]
        widths = [max(map(len, column)) + 2 for column in zip(header, *rows, strict=True)]
        for row in (header, *rows):
            for number, (text, width) in enumerate(zip(row, widths, strict=True)):
                style = "dim" if row is header else _COLOURS[Status(text)] if number and text else None
                last = number == len(row) - 1
                self._out.print(text if last else f"{text:<{width}}", style=style, end="\n" if last else "")

    def _build_event(self, event: BuildEvent) -> None:
        if self._shown is Detail.VERBOSE:
            for line in self._build_lines.of(event):
                self._unwrapped(sanitize_line(line))
            return
        if event.kind is not BuildEventKind.WARNING and (screen := self._moving):
            self._grow(screen, event)
            return
        if event.kind not in _SHOWN:
            return
        from seatrial.sources.step_names import INTERNAL_STEPS

        name, text = sanitize(event.name, limit=120), sanitize(event.text, limit=200)
        took = f" {event.seconds:.1f} s" if event.seconds else ""
        if event.kind in (BuildEventKind.CACHED, BuildEventKind.DONE) and not name.startswith(
            (*INTERNAL_STEPS, "exporting")
        ):
            self._line(f"{event.kind.value:<6} {self._out.fitting(name, took)}", style="dim")
        elif event.kind is BuildEventKind.FAILED:
            self._line(f"failed {self._out.fitting(name, took)}", style="red")
        elif event.kind is BuildEventKind.WARNING:
            self.on_event(WarningEvent(text=text))

    def _grow(self, screen: RichConsole, event: BuildEvent) -> None:
        """Show a build as a tree that stays when the step ends."""
        from seatrial.output.build_tree import BuildTree

        if self._tree is None:
            tree = BuildTree()
            self._show(screen, tree)
            self._tree = tree
        self._tree.on_event(event)

    def _transfer(self, event: Transfer | BytesSent) -> None:
        """Show a push or a pull as bars until the step ends; in a pipe, only why it waits."""
        waiting = self._transfers.on_event(event)
        screen = self._moving
        if screen and self._transfers.layers and self._live is None:
            from seatrial.output.transfer_bars import TransferBars

            self._show(screen, TransferBars(self._transfers), transient=True)
        elif waiting and not screen:
            self._line(waiting, style="dim")

    def _show(self, screen: RichConsole, renderable: RenderableType, *, transient: bool = False) -> None:
        """Show a moving part in place of the spinner."""
        from rich.live import Live

        self._stop_moving()
        if not transient:
            self._name_step()
        self._live = Live(renderable, console=screen, refresh_per_second=8, transient=transient)
        self._live.start()

    def _named(self, step: Step) -> str:
        return f"{step.app} {step.name}".strip() if self._app_column else step.name

    def _name_step(self) -> None:
        """Write the step's name once, above its first detail."""
        if self._unnamed and self._sections:
            write_command(self._out.stream, self._sections.begin(self._named(self._unnamed)))
        elif self._unnamed:
            self._out.print(f"{'':<{STATUS_COLUMN}}{self._named(self._unnamed)} …", style="dim")
        self._unnamed = None

    def _line(self, text: str, *, style: str | None = None) -> None:
        self._name_step()
        self._out.line(text, style=style)

    def _unwrapped(self, text: str) -> None:
        self._name_step()
        self._out.unwrapped(text)

    def _stop_moving(self) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None
        if self._live:
            self._live.stop()
            self._live = self._tree = None
