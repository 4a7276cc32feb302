"""Work in a copy of this process, on another processor, while this one goes on."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from functools import cache

__all__ = ["fork"]


def fork(work: Callable[[], bytes]) -> Callable[[], bytes | None]:
    """Begin `work` in a copy of this process; return what waits for its result: None if there is none.

    Nothing that the copy does is seen here but that result, and nothing that it raises. There is no copy of a process
    with threads, whose locks would stay locked in it.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return lambda: None
    reading, writing = os.pipe()
    try:
        copy = os.fork()
    except OSError:  # no memory, or no process more
        os.close(reading)
        os.close(writing)
        return lambda: None
    if not copy:
        os.close(reading)  # or the copy would wait for itself to read, once nobody else does
        _work_and_end(work, writing)
    os.close(writing)

    @cache
    def result() -> bytes | None:
        with open(reading, "rb") as pipe:  # noqa: PTH123  it has no path
            found = pipe.read()
        try:
            _, status = os.waitpid(copy, 0)
        except ChildProcessError:  # this process was started with SIGCHLD ignored
            return None
        return None if status else found

    return result


def _work_and_end(work: Callable[[], bytes], writing: int) -> None:
    """Write the result of `work`, and end the process at once: its handlers and buffers are those of another."""
    status = 1
    try:
        gc.disable()
        found = work()
        with open(writing, "wb") as pipe:
            pipe.write(found)
        status = 0
    finally:
        os._exit(status)
