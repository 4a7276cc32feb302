"""The signals that end a command: each unwinds the stack, so that what is incomplete is cleaned up."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["SIGNAL_EXIT_BASE", "Terminated", "terminable"]

SIGNAL_EXIT_BASE: Final = 128
"""What is added to a signal's number to make the exit code of a process that it ended."""
_REPEATED_SECONDS = 3.0


class Terminated(BaseException):
    """SIGTERM or SIGHUP, raised so that every `finally` runs; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def name(self) -> str:
        """The signal's name."""
        return signal.Signals(self.number).name

    @property
    def exit_code(self) -> int:
        """The exit code of a process ended by this signal."""
        return SIGNAL_EXIT_BASE + self.number


@contextmanager
def terminable() -> Iterator[None]:
    """Make SIGTERM and SIGHUP unwind the stack as Ctrl-C does, instead of ending the process at once.

    A second signal right after the first changes nothing.
    """
    raised = -_REPEATED_SECONDS

    def unwind(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
        nonlocal raised
        if (now := time.monotonic()) - raised < _REPEATED_SECONDS:
            return  # pressed twice: what the first one ends is cleaned up
        raised = now
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    usual = (signal.default_int_handler, signal.SIG_DFL)  # not what nohup ignores, nor the handler of an outer block
    taken = [one for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) in usual]
    before = {one: signal.signal(one, unwind) for one in taken}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
