"""Moments that no signal may cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["deferred", "temporary"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait until this is over; they are not lost.

    It is for what takes a moment, or is bounded in time: who types Ctrl-C waits for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal ever cuts in there
        return
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
        came.append(number)

    before = {number: signal.signal(number, remember) for number in _SIGNALS if _is_handled(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def temporary(make: Callable[[], object], remove: Callable[[], None]) -> Iterator[None]:
    """Make something that is there meanwhile only, and remove it whatever happens; no signal cuts into either.

    `remove` is called as well when `make` failed: an engine may have made what it could not tell of.
    """
    try:
        with deferred():  # else it may come into being behind the back of who removes it
            make()
        yield
    finally:
        with deferred():
            remove()


def _is_handled(number: int) -> bool:
    """Return whether anything happens when the signal comes: under nohup, and for a handler of C's, it is left alone."""
    return signal.getsignal(number) not in (signal.SIG_IGN, None)
