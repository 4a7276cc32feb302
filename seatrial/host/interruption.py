"""End threads as Ctrl-C ends the main thread: they unwind, so that what is incomplete is cleaned up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

__all__ = ["hold_interruption", "interrupt_threads", "release_interruption"]

_STANDARD_STREAMS = 3
_GRACE_SECONDS = 1.0


class _Held:
    """How many blocks keep a thread from being interrupted, and with what it will be."""

    blocks = 0
    kept: type[BaseException] | None = None


_lock = threading.Lock()
_held: dict[int, _Held] = {}


def hold_interruption() -> None:
    """Keep this thread from being interrupted until `release_interruption` was called as often."""
    with _lock:
        _held.setdefault(threading.get_ident(), _Held()).blocks += 1


def release_interruption() -> None:
    """Let this thread be interrupted again; raise what was kept."""
    with _lock:
        held = _held[threading.get_ident()]
        held.blocks -= 1
        if not held.blocks:
            del _held[threading.get_ident()]
    if not held.blocks and held.kept:
        raise held.kept


def interrupt_threads(threads: Iterable[threading.Thread], error: BaseException) -> None:
    """Raise an exception like `error` in threads; what they wait for on a socket ends.

    A thread cannot be interrupted while it waits in the system. So after a second the connections that this process had
    are shut down; those that were made since then, to clean up, are not.
    """
    import ctypes  # late, as it takes long
    import socket

    class Again(type(error)):  # type: ignore[misc]  # a thread can be given only a class
        def __init__(self) -> None:
            super().__init__(*error.args)

    connections = _connections()
    threads = tuple(threads)
    with _lock:
        for thread in threads:
            if held := _held.get(thread.ident or 0):
                held.kept = Again
            elif thread.ident:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Again))
    until = time.monotonic() + _GRACE_SECONDS
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))
    for connection in connections:
        with suppress(OSError), connection:
            if any(one.is_alive() for one in threads):
                connection.shutdown(socket.SHUT_RDWR)


def _connections() -> list[socket.socket]:
    """Return the sockets of this process, each as a copy of its own."""
    import os
    import socket
    import stat

    found = []
    for name in os.listdir("/dev/fd"):  # noqa: PTH208  numbers, not paths
        with suppress(OSError):
            if (number := int(name)) >= _STANDARD_STREAMS and stat.S_ISSOCK(os.fstat(number).st_mode):
                found.append(socket.socket(fileno=os.dup(number)))
    return found
