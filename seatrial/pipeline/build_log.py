"""A build as plain lines, for a file and for --verbose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from seatrial.engine.protocol import Emit
from seatrial.errors import SeatrialError, sanitize_line
from seatrial.events import BuildEvent, BuildEventKind, BuildLogSaved, Event, Info, WarningEvent
from seatrial.pipeline.state import StateFolder

__all__ = ["BuildLines", "build_log"]

_LONGEST_LINE: Final = 64 * 1024


class BuildLines:
    """Number the parts of a build as they appear: the lines of parts that run at the same time come mixed."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, event: BuildEvent) -> Iterator[str]:
        """Yield the lines of an event, of its part's name first if it is new; none of a transfer's progress."""
        if event.kind is BuildEventKind.STATUS:
            return
        new = event.name not in self._numbers
        head = f"#{self._numbers.setdefault(event.name, len(self._numbers) + 1)}"
        if new:
            yield f"{head} {_line(' '.join(event.name.split()))}"
        if event.kind is BuildEventKind.LOG:
            yield f"{head} {_line(event.text)}"
        elif event.kind is not BuildEventKind.STARTED:
            took = f" in {event.seconds:.1f} s" if event.seconds else ""
            yield f"{head} {event.kind.value}{took}{': ' * bool(event.text)}{_line(event.text)}"


class _File:
    """A file of lines; from the first line that cannot be written, as on a full disk, nothing more is written."""

    def __init__(self, state: StateFolder, path: Path) -> None:
        self._state = state
        self._file = path.open("x", encoding="utf-8", errors="backslashreplace", buffering=1)
        self._full = False

    def write(self, line: str) -> None:
        if self._full:
            return
        try:
            self._file.write(f"{line}\n")
        except OSError as error:
            self._cannot_write(error)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self._cannot_write(error)

    def _cannot_write(self, error: OSError) -> None:
        self._full = True
        self._state.cannot_write(error)


@contextmanager
def build_log(state: StateFolder, app: str, version: str, emit: Emit) -> Iterator[Emit]:
    """Yield an `emit` that also writes a build's events to a new log; what ended it early comes last.

    Each line is written as it comes, so a build that is killed leaves its log, too. Where it cannot be written, the
    build goes on without it.
    """
    try:
        path = state.new_build_log(app, version)
        file = _File(state, path)
    except OSError as error:
        state.cannot_write(error)
        yield emit
        return
    lines = BuildLines()

    def on_event(event: Event) -> None:
        if isinstance(event, BuildEvent):
            for line in lines.of(event):
                file.write(line)
        elif isinstance(event, Info | WarningEvent):
            file.write(_line(event.text))
        emit(event)

    try:
        emit(BuildLogSaved(path=str(path)))
        file.write(f"build of {app} {version}, {datetime.now(UTC).isoformat(timespec='seconds')}")
        yield on_event
    except BaseException as error:
        file.write(f"failed: {error}" if isinstance(error, SeatrialError) else "interrupted")
        raise
    finally:
        file.close()


def _line(text: str) -> str:
    return sanitize_line(text, limit=_LONGEST_LINE)
