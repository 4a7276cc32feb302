"""Pushes and pulls on the terminal: one bar for each layer, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seatrial.pipeline.transfers import Layer, LayerResult, TransferSummary, describe
from seatrial.wording import pluralize, spaced_size

__all__ = ["TransferBars"]

_WORDS: Final = {
    LayerResult.SENT: ("pushed", "green"),
    LayerResult.FETCHED: ("pulled", "green"),
    LayerResult.ALREADY_THERE: ("already there", "dim"),
}
_ID_WIDTH: Final = 12
_AMOUNT_WIDTH: Final = len("12.3 MB/45.6 MB")
_WORD_WIDTH: Final = len("mounted from seatrial/python")
_LEAST_LINES: Final = 3  # the finished layers, a bar, the layers without room


class TransferBars:
    """The layers of a transfer as a rich renderable that is never higher than the terminal.

    If there are more layers than lines, finished ones are summarised in one line, then waiting ones.
    """

    def __init__(self, transfers: TransferSummary) -> None:
        self._transfers = transfers

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the bars in their present state."""
        layers = list(self._transfers.layers.values())  # a copy: more may come while another thread draws
        room = max(options.max_height - 1, _LEAST_LINES)  # a line for the cursor
        spare = len(layers) - room + 1 if len(layers) > room else 0
        folded = [layer for layer in layers if layer.done][:spare]
        shown, more = _fitting([layer for layer in layers if layer not in folded], room - bool(folded))
        if folded:
            yield _line(describe(folded))
        yield _bars(shown)
        if more:
            yield _line(pluralize(more, "more layer"))


def _fitting(layers: Sequence[Layer], room: int) -> tuple[Sequence[Layer], int]:
    """Return the layers that fit, moving ones before waiting ones, and the rest."""
    if len(layers) <= room:
        return layers, 0
    chosen = sorted(range(len(layers)), key=lambda place: layers[place].waiting)[: room - 1]
    return [layers[place] for place in sorted(chosen)], len(layers) - len(chosen)


def _bars(layers: Sequence[Layer]) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=_ID_WIDTH, no_wrap=True, overflow="ellipsis")
    grid.add_column(ratio=1)
    grid.add_column(width=_AMOUNT_WIDTH, no_wrap=True, overflow="ellipsis", justify="right")
    grid.add_column(width=_WORD_WIDTH, no_wrap=True, overflow="ellipsis")
    for layer in layers:
        grid.add_row(Text(layer.id), *_cells(layer))
    return grid


def _cells(layer: Layer) -> tuple[RenderableType, Text, Text]:
    """Return a layer's bar, its bytes and its state."""
    total = spaced_size(layer.total) if layer.total else ""
    if layer.done and layer.result:
        moved = layer.result in (LayerResult.SENT, LayerResult.FETCHED)
        word, style = _WORDS.get(layer.result, (layer.words.lower(), "dim"))
        return ProgressBar(total=1, completed=1) if moved else "", Text(total if moved else ""), Text(word, style=style)
    if layer.waiting:
        return ProgressBar(total=1), Text(""), Text("waiting", style="dim")
    style = "" if layer.retry is None else "yellow"
    amount = f"{spaced_size(layer.current)}/{total}" if total else spaced_size(layer.current) if layer.current else ""
    bar = ProgressBar(total=layer.total, completed=layer.current)  # without a total it pulses
    return bar, Text(amount), Text(layer.words.lower(), style=style)


def _line(words: str) -> Text:
    return Text(words, style="dim", no_wrap=True, overflow="ellipsis")
