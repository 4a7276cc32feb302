"""Standard output and error that outlast their reader: work does not end because nobody can read about it."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

__all__ = ["is_lost", "make_lasting", "output_as_errors", "output_files", "write_command"]

# What the comparison of texts on a runner may skip: blanks, control characters, and all that is not shown.
_IGNORED = (
    r"[\x00-\x09\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]*"
)
# The two forms of a command: :: at the beginning of a line, and ##[ anywhere. Only a job on GitHub compiles it.
_WORKFLOW_COMMAND = rf"((?:^|(?<=[\r\n])){_IGNORED}:{_IGNORED})(?=:)|(#{_IGNORED}#{_IGNORED})(?=\[)"
_LAST_LINE = re.compile(r"[^\r\n]*\Z")


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


class _GuardedText(io.TextIOWrapper):
    """A stream that a GitHub runner reads: what looks like a workflow command is broken, so that it is none."""

    _line = ""

    def write(self, text: str) -> int:
        """Write a text, with a backslash in each command in it."""
        known = self._line
        broken = re.sub(_WORKFLOW_COMMAND, lambda found: f"{found[0]}\\", known + text)
        self._line = _LAST_LINE.findall(broken)[0]
        super().write(broken[len(known) :])
        return len(text)

    def write_command(self, line: str) -> None:
        """Write a command of ours on a line of its own."""
        super().write(f"{line}\n")
        self._line = ""


def output_files() -> tuple[Path, ...]:
    """Return the regular files that standard output and error go to, as far as the system tells."""
    found = []
    for number in (1, 2):
        with suppress(OSError):
            if stat.S_ISREG(os.fstat(number).st_mode):
                found.append(Path(f"/proc/self/fd/{number}").readlink())
    return tuple(found)


def write_command(stream: TextIO, line: str) -> None:
    """Write a line with a workflow command or a marker to a stream, which breaks those that come from outside."""
    if isinstance(stream, _GuardedText):
        stream.write_command(line)
    else:
        stream.write(f"{line}\n")
    stream.flush()


def make_lasting(*, guarded: bool = False) -> None:
    """Make standard output and error drop what cannot be written, also where they are closed.

    A character that the encoding lacks is written as an escape: file names need not be UTF-8. With `guarded` they break
    what a GitHub runner would take for a workflow command, no matter who wrote it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: without this, a socket of ours would become standard output
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None or (stream is getattr(sys, f"__{name}__") and not isinstance(_raw(stream), _LastingFile)):
            if stream is not None:
                stream.flush()
            kind = _GuardedText if guarded else io.TextIOWrapper
            setattr(sys, name, _lasting(kind, number, encoding=getattr(stream, "encoding", None)))


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


def _lasting(kind: type[io.TextIOWrapper], number: int, *, encoding: str | None) -> io.TextIOWrapper:
    raw = _LastingFile(number, "wb", closefd=False)
    return kind(
        io.BufferedWriter(raw),  # type: ignore[type-var]  # typeshed knows no subclass
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=raw.isatty() or number != 1,
        write_through=number != 1,
    )


def _raw(stream: object) -> object:
    return getattr(getattr(stream, "buffer", None), "raw", None)
