"""Plain lines, for what is not a terminal, and how a CI system folds them."""

from __future__ import annotations

from typing import Protocol, TextIO

__all__ = ["Lines", "Sections"]


class Lines:
    """Plain lines for a pipe or a file: rich is not loaded for them."""

    is_terminal = False
    width = 80

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def print(self, text: str = "", *, style: str | None = None, end: str = "\n") -> None:  # noqa: ARG002  as rich's
        """Write a line, or the beginning of one."""
        self._stream.write(f"{text}{end}")
        self._stream.flush()


class Sections(Protocol):
    """How a CI system marks a part of its log."""

    def begin(self, name: str) -> str:
        """Return the line that begins a part."""
        ...

    def end(self) -> str:
        """Return the line that ends it; empty if none has begun."""
        ...
