"""Lines on the console: below a step's name they have an indent; an error comes with its reason and what to type."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Final, TextIO

from seatrial.errors import LONGEST_MESSAGE, SeatrialError, sanitize
from seatrial.output.hints import Call
from seatrial.output.screen import open_screen
from seatrial.output.wrapping import hang

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from seatrial.output.lines import Lines

__all__ = ["FAILED_STYLE", "STATUS_COLUMN", "STEP_COLUMN", "Writer"]

FAILED_STYLE: Final = "bold red"
STATUS_COLUMN: Final = len("changed ")
"""The width of the column with a step's status, the first one."""
STEP_COLUMN: Final = 9
"""The width of the column with the step's name, the second one."""
_INDENT = " " * (STATUS_COLUMN + STEP_COLUMN + 1)


class Writer:
    """Writes lines to one stream, wrapped and in colours only on a terminal.

    `errors` True writes to standard error. Hints are completed with `call`, how the task was called.
    """

    def __init__(self, *, errors: bool, call: Call) -> None:
        self._errors = errors
        self._call = call

    @property
    def stream(self) -> TextIO:
        """Standard output or error."""
        return sys.stderr if self._errors else sys.stdout

    @cached_property
    def screen(self) -> Lines | RichConsole:
        """What writes to the stream."""
        return open_screen(self.stream)

    def print(self, text: str = "", *, style: str | None = None, end: str = "\n") -> None:
        """Write a text as it is."""
        self.screen.print(text, style=style, end=end)

    def error(self, error: SeatrialError, *, with_message: bool = True, app: str = "") -> None:
        """Write an error: its details, then why and what to type next; for `app`, if there are several."""
        if with_message:
            self.print(f"{'failed':<{STATUS_COLUMN}}", style=FAILED_STYLE, end="")
            self.print(self.wrapped(sanitize(error.message), first=STATUS_COLUMN))
        for line in error.details:
            self._detail(f"| {line}")
        self.line(f"why:  {error.reason}")
        self.line(f"next: {sanitize(self._call.about(app).complete(error.hint), limit=LONGEST_MESSAGE)}", style="bold")

    def line(self, text: str, *, style: str | None = None) -> None:
        """Write a line below a step's name."""
        self.print(self.wrapped(f"{_INDENT}{text}", first=0), style=style)

    def unwrapped(self, text: str) -> None:
        """Write a line below a step's name that is not broken at the terminal's width."""
        self.print(f"{_INDENT}{text}", style="dim")

    def wrapped(self, text: str, *, first: int) -> str:
        """Return a text wrapped to the terminal's width with a hanging indent; unchanged in a pipe or a file.

        It is written `first` columns from the left.
        """
        if not self.screen.is_terminal:
            return text
        width = max(self.screen.width - 1, len(_INDENT) + 20)
        return hang(text, head=" " * first, indent=_INDENT, width=width)[first:]

    def fitting(self, name: str, took: str) -> str:
        """Return a build step's name, cut so that its line fits the terminal."""
        name = " ".join(name.split())
        room = self.screen.width - len(_INDENT) - len("failed ") - len(took) - 1
        return sanitize(name, limit=max(room, 20)) + took if self.screen.is_terminal else name + took

    def _detail(self, text: str) -> None:
        """Write a line of evidence; an indented one is not wrapped, or the marks of a traceback point nowhere."""
        if text.startswith("|  "):
            self.unwrapped(text)
        else:
            self.line(text, style="dim")
