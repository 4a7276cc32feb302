"""Blocks of code that signals do not interrupt."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from seatrial.host.interruption import hold_interruption, release_interruption

__all__ = ["deferred", "start_thread", "temporary"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Deferral:
    """Signals that are kept for later: between `begin` and `end` their handlers are not called."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._before: dict[int, Any] = {}
        self._holds = False

    def begin(self) -> None:
        """Keep signals from now on; it may be called again after a signal has cut it short."""
        if threading.current_thread() is not threading.main_thread():  # where Python runs no signal handlers
            if not self._holds:
                hold_interruption()
                self._holds = True
            return
        for number in _SIGNALS:
            if number not in self._before and _is_handled(number):
                self._before[number] = signal.getsignal(number)  # before the change, so that `end` knows it
                signal.signal(number, self._remember)

    def end(self) -> None:
        """Call handlers again, first for a signal that was kept."""
        if self._holds:
            self._holds = False
            release_interruption()
        while self._before:
            signal.signal(*self._before.popitem())
        if self.received:
            number, self.received = self.received[0], []
            signal.raise_signal(number)

    def _remember(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  a signal handler's signature
        self.received.append(number)


@contextmanager
def deferred() -> Iterator[None]:
    """Defer Ctrl-C, SIGTERM and SIGHUP to the end of the block.

    Use it only for blocks that are short or have a time limit: Ctrl-C has no effect until they end.
    """
    deferral = _Deferral()
    deferral.begin()
    try:
        yield
    finally:
        deferral.end()


def start_thread(thread: threading.Thread) -> None:
    """Start a thread that gets no signals: the kernel may choose it for Ctrl-C, and then our own wait goes on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # the thread inherits it
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def temporary(make: Callable[[], object], remove: Callable[[], None]) -> Iterator[None]:
    """Make something for the block and remove it at the end, whatever happens; signals interrupt neither.

    `remove` is called even if `make` failed: the engine may have created something without reporting it.
    """
    deferral = _Deferral()
    deferral.begin()  # otherwise a signal could end `make` before `remove` can see what it made
    try:
        try:
            make()
            deferral.end()
            yield
        finally:
            deferral.begin()
    finally:
        deferral.begin()  # again: a signal may have come before the line above had its effect
        try:
            remove()
        finally:
            deferral.end()


def _is_handled(number: int) -> bool:
    """Return whether Python handles the signal; one ignored by nohup or handled in C is left alone."""
    return signal.getsignal(number) not in (signal.SIG_IGN, None)
