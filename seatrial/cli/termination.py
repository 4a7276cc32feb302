"""The signals that end a command: each unwinds the stack, so that what is incomplete is cleaned up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from seatrial.errors import Interrupted

__all__ = ["Terminated", "interruption", "terminable"]

_EXIT_BASE = 128
_REPEATED_SECONDS = 3.0


class Terminated(BaseException):
    """SIGTERM or SIGHUP, raised so that every `finally` runs; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def interruption(error: KeyboardInterrupt | Terminated, *, published: bool = False) -> Interrupted:
    """Return the error for a signal; `published` is whether something may be in a registry already.

    A step that leaves something going on has said so in a note to the exception.
    """
    number = error.number if isinstance(error, Terminated) else signal.SIGINT
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    left = "; ".join(getattr(error, "__notes__", ()))
    interrupted = Interrupted(name, _EXIT_BASE + number, published=published)
    return interrupted.but(reason=left) if left else interrupted


@contextmanager
def terminable(*, to_the_end: bool = False) -> Iterator[None]:
    """Make SIGTERM and SIGHUP unwind the stack as Ctrl-C does, instead of ending the process at once.

    A second signal right after the first changes nothing: what the first one ends is cleaned up. With `to_the_end` that
    counts behind the block, too: a process that ends because of the first one still writes what it has to say.
    """
    raised: list[float] = []

    def unwind(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
        now = time.monotonic()
        if raised and now - raised[-1] < _REPEATED_SECONDS:
            return
        raised.append(now)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    usual = (signal.default_int_handler, signal.SIG_DFL)  # not what nohup ignores, nor the handler of an outer block
    here = threading.current_thread() is threading.main_thread()  # in others Python runs no signal handlers
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if here else ()
    taken = [one for one in signals if signal.getsignal(one) in usual]
    before = {one: signal.signal(one, unwind) for one in taken}
    try:
        yield
    finally:
        if not (raised and to_the_end):
            for one, handler in before.items():
                signal.signal(one, handler)
