"""Layers in the terminal: a tree of the image's steps with bars, and what the images of an engine share."""

from __future__ import annotations

import io
import sys
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from seatrial.layers.comparison import StepState
from seatrial.output.layers.sharing_view import SharingView
from seatrial.output.layers.view import Fact, LayersView, Row
from seatrial.settings.variables import environment
from seatrial.wording import and_more

__all__ = ["as_text"]

_STYLES: Final = {
    StepState.SHARED: "blue",
    StepState.SAME_CONTENT: "cyan",
    StepState.AGAIN: "red",
    StepState.NEW: "yellow",
    StepState.LAYER: "blue",
}
_TITLES: Final = {"shared": "blue", "new": "yellow", "gone": "dim", "all": "bold"}
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_PIPE_WIDTH: Final = 120
_BAR: Final = 16
_SHOWN: Final = 20


def as_text(view: LayersView | SharingView) -> str:
    """Return the picture for standard output: with colours on a terminal, without in a pipe."""
    terminal = environment().terminal or sys.stdout.isatty()
    size = Console(file=sys.stdout).width if terminal else _PIPE_WIDTH
    screen = Console(
        file=io.StringIO(),
        width=size,
        force_terminal=bool(terminal) and not environment().plain,
        highlight=False,
        markup=False,
    )
    with screen.capture() as captured:
        screen.print(_layers(view) if isinstance(view, LayersView) else _sharing(view))
    return "\n".join(line.rstrip() for line in captured.get().rstrip().split("\n"))


def _layers(view: LayersView) -> RenderableType:
    parts: list[RenderableType] = []
    tree = Tree(Text(f"{view.title}: {view.subtitle}" if view.against else view.groups[0].title, style="bold"))
    tree.guide_style = "dim"
    for group in view.groups:
        branch = tree if group.kind == "all" else tree.add(Text(group.title, style=_TITLES[group.kind]))
        for row in group.rows:
            branch.add(_row(row, gone=group.kind == "gone"))
    parts.append(tree)
    if facts := view.facts:
        parts += ["", _facts(facts)]
    reason, hint = view.advice
    if reason:
        parts += ["", Text(reason)]
    if hint:
        parts.append(Padding(Text(f"next: {hint}", style="bold"), (0, 0, 0, 2)))
    return Group(*parts)


def _row(row: Row, *, gone: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(width=_BAR, no_wrap=True)
    grid.add_column(width=8, justify="right", no_wrap=True)
    grid.add_column(width=12, no_wrap=True)
    style = "dim" if gone or row.state is StepState.SETTING else ""
    label = "reuse ends" if row.breaks else row.label
    bar = Text(_bar(row.share) if row.step.layer else "", style="dim" if gone else _STYLES.get(row.state, ""))
    grid.add_row(Text(row.text, style=style), bar, Text(row.size.removeprefix("size "), style=style), Text(label))
    return grid


def _bar(share: float, width: int = _BAR) -> str:
    """Return a bar of at least an eighth of a column for a part of the whole."""
    eighths = max(round(share * width * 8), 1 if share else 0)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _facts(facts: list[Fact]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(ratio=1)
    for one in facts:
        grid.add_row(one.name, str(one))
    return grid


def _sharing(view: SharingView) -> RenderableType:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(width=2 * _BAR, no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(*(Text(name, style="dim") for name in ("IMAGE", "SHARED AND OWN LAYERS", "SIZE", "ITS OWN")))
    for one in view.rows[:_SHOWN]:
        shared = round(one.shared_share * (2 * _BAR - 1))
        bar = Text("█" * shared, style="blue").append(_bar(one.own_share, 2 * _BAR - 1), style="yellow")
        grid.add_row(one.name, bar, one.size, one.own)
    parts: list[RenderableType] = [grid]
    if more := and_more(len(view.rows) - _SHOWN):
        parts.append(Text(f"{more} (--json shows all)", style="dim"))
    return Group(*parts, "", _facts(view.facts))
