"""A build as a live tree on the terminal: stages, their steps, and the progress of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from seatrial.errors import sanitize
from seatrial.events import BuildEvent, BuildEventKind
from seatrial.sources.step_names import INTERNAL_STEPS, StepName

__all__ = ["BuildTree"]

_HIDDEN: Final = (*INTERNAL_STEPS, "resolve image config")
_MARKS: Final = {
    BuildEventKind.CACHED: ("cached", "dim"),
    BuildEventKind.DONE: ("done", "green"),
    BuildEventKind.FAILED: ("failed", "bold red"),
}
_SHOWN_FROM_SECONDS: Final = 0.05
_SORTS_LAST: Final = 1_000_000


class _Drawn:
    """A renderable that does not change, drawn once for each width: the tree is drawn many times a second."""

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable
        self._width = 0
        self._segments: list[Segment] = []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield what was drawn."""
        if self._width != options.max_width:
            self._segments = list(console.render(self._renderable, options))
            self._width = options.max_width
        yield from self._segments


class _Step(Struct):
    stage: str
    number: int
    words: str
    since: float
    end: BuildEventKind | None = None
    seconds: float | None = None
    last_line: str = ""
    moved: str = ""
    drawn: _Drawn | None = None


class BuildTree:
    """The build events so far as a rich renderable; `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steps: dict[str, _Step] = {}
        self._spinner = Spinner("dots")

    def on_event(self, event: BuildEvent) -> None:
        """Add an event to the tree."""
        if event.name.startswith(_HIDDEN):
            return
        step = self._steps.get(event.name)
        if step is None:
            name = StepName.parse(event.name)
            words = f"{name.number}/{name.total} {name.words}" if name else event.name
            step = self._steps[event.name] = _Step(
                stage=f"{name.platform} {name.stage}".strip() if name else "",
                number=name.number if name else _SORTS_LAST,
                words=sanitize(" ".join(words.split())),
                since=self._clock(),
            )
        if event.kind in _MARKS:
            step.end, step.seconds, step.moved, step.drawn = event.kind, event.seconds, "", None
        elif event.kind is BuildEventKind.LOG and event.text.strip():
            step.last_line = event.text
        elif event.kind is BuildEventKind.STATUS:
            step.moved = _amount(event)

    def __rich__(self) -> RenderableType:
        """Return the tree in its present state."""
        root = Tree("build", style="none", guide_style="dim")
        branches: dict[str, Tree] = {"": root}
        for step in sorted(self._steps.values(), key=lambda step: step.number):  # in the Dockerfile's order
            if step.stage not in branches:
                branches[step.stage] = root.add(Text(step.stage, style="bold"))
            branches[step.stage].add(self._line(step))
        return root

    def _line(self, step: _Step) -> RenderableType:
        if step.drawn:
            return step.drawn
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=6)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(justify="right", no_wrap=True)
        if step.end:
            word, style = _MARKS[step.end]
            took = f"{step.seconds:.1f} s" if step.seconds and step.seconds >= _SHOWN_FROM_SECONDS else ""
            row.add_row(Text(word, style=style), Text(step.words, style="dim" * (word == "cached")), took)
            step.drawn = _Drawn(row)
            return step.drawn
        row.add_row(self._spinner, Text(step.words), f"{step.moved}  {self._clock() - step.since:.1f} s".strip())
        if not step.last_line:
            return row
        last = sanitize(step.last_line, limit=200)
        return Group(row, Text(f"       {last}", style="dim", no_wrap=True, overflow="ellipsis"))


def _amount(event: BuildEvent) -> str:
    """Return the progress of a transfer, from a megabyte on."""
    if event.total:
        return f"{event.current / 1e6:.1f}/{event.total / 1e6:.1f} MB"
    return f"{event.current / 1e6:.1f} MB" if event.current > 1e6 else ""  # noqa: PLR2004
