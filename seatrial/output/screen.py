"""What is written to: a terminal by rich, anything else as plain lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from seatrial.output.lines import Lines
from seatrial.settings.variables import environment

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

__all__ = ["open_screen"]


def open_screen(stream: TextIO) -> Lines | RichConsole:
    """Return what writes to a stream."""
    if not environment().terminal and not stream.isatty():
        return Lines(stream)
    from rich.console import Console as RichConsole

    return RichConsole(file=stream, highlight=False, markup=False, soft_wrap=True)
