"""A program with all that it starts, kept as long as somebody holds our standard input, and not a moment longer.

Run as a process of its own: `python keeper.py FOLDER READ WRITE PROGRAM [ARGUMENT …]`. The program gets READ as its
file descriptor 3 and WRITE as its 4. When the input ends, also because whoever held it was killed, the program and all
its descendants are ended and reaped, and FOLDER is removed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["supervise"]

_SET_CHILD_SUBREAPER = 36  # prctl(2)
_END_SECONDS = 5.0
_NOT_STARTED = 127


def supervise(folder: str, read_from: int, write_to: int, words: list[str]) -> None:
    """Run a program until our standard input ends, then end it and whatever it started."""
    _adopt_orphans()
    program = os.fork()
    if program == 0:
        _become(words, read_from, write_to)
    os.close(read_from)  # the program's alone: their end is how its end is noticed
    os.close(write_to)
    try:
        os.read(0, 1)
    finally:
        _end(program)
        shutil.rmtree(folder, ignore_errors=True)


def _adopt_orphans() -> None:
    """Let what loses its parent become our child: in a container nobody else may be there to reap it."""
    with suppress(OSError, AttributeError):  # not on Linux: there, the first process reaps
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _become(words: list[str], read_from: int, write_to: int) -> None:
    """Be the program from now on, in a session of its own."""
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(read_from, 3)
        os.dup2(write_to, 4)
        os.closerange(5, max(read_from, write_to) + 1)
        os.execvp(words[0], words)  # noqa: S606  a list of our own
    finally:
        os._exit(_NOT_STARTED)


def _end(program: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program, signal.SIGKILL)  # not reaped so far: the number is still its own
    deadline = time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        for child in _children():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _children() -> list[int]:
    """Return our children, among them those whose parents have gone; nothing where that cannot be asked."""
    me = os.getpid()
    try:
        return [int(word) for word in Path(f"/proc/{me}/task/{me}/children").read_text().split()]
    except OSError:
        return []


if __name__ == "__main__":
    supervise(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
