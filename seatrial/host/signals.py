"""Blocks of code that signals do not interrupt."""

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
    """Defer Ctrl-C, SIGTERM and SIGHUP to the end of the block.

    Use it only for blocks that are short or have a time limit: Ctrl-C has no effect until they end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs signal handlers in the main thread only
        return
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
        received.append(number)

    before = {number: signal.signal(number, remember) for number in _SIGNALS if _is_handled(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])


@contextmanager
def temporary(make: Callable[[], object], remove: Callable[[], None]) -> Iterator[None]:
    """Make something for the block and remove it at the end, whatever happens; signals interrupt neither.

    `remove` is called even if `make` failed: the engine may have created something without reporting it.
    """
    try:
        with deferred():  # otherwise a signal could end `make` before `remove` can see what it made
            make()
        yield
    finally:
        with deferred():
            remove()


def _is_handled(number: int) -> bool:
    """Return whether Python handles the signal; one ignored by nohup or handled in C is left alone."""
    return signal.getsignal(number) not in (signal.SIG_IGN, None)
