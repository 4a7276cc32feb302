"""Standard output and error that outlast their reader: work does not end because nobody can read about it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["is_lost", "make_lasting", "output_as_errors"]


class _LastingFile(io.FileIO):
    """A file whose reader may go away, or whose disk may fill up: what cannot be written is dropped."""

    lost = False

    def write(self, data: bytes) -> int | None:  # type: ignore[override]  # any buffer
        """Write, and note whether that failed."""
        if not self.lost:
            try:
                return super().write(data)
            except OSError:
                self.lost = True
        return len(data)


def make_lasting() -> None:
    """Make standard output and error drop what cannot be written, also where they are closed.

    A character that the encoding lacks is written as an escape: file names need not be UTF-8.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: without this, a socket of ours would become standard output
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None or (stream is getattr(sys, f"__{name}__") and not _is_lasting(stream)):
            if stream is not None:
                stream.flush()
            setattr(sys, name, _lasting(number, encoding=getattr(stream, "encoding", None)))


@contextmanager
def output_as_errors() -> Iterator[None]:
    """Let everything that this process and its children write to standard output come out on standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def is_lost() -> bool:
    """Return whether what is written to standard output cannot be read by anybody."""
    return bool(getattr(_raw(sys.stdout), "lost", False))


def _lasting(number: int, *, encoding: str | None) -> io.TextIOWrapper:
    raw = _LastingFile(number, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),  # type: ignore[type-var]  # typeshed knows no subclass
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=raw.isatty() or number != 1,
        write_through=number != 1,
    )


def _is_lasting(stream: object) -> bool:
    return isinstance(_raw(stream), _LastingFile)


def _raw(stream: object) -> object:
    return getattr(getattr(stream, "buffer", None), "raw", None)
