"""Signals wait until a deferred block ends."""

from __future__ import annotations

import signal
import threading

import pytest

from seatrial.cli.termination import Terminated, terminable
from seatrial.host.signals import deferred, temporary


def _work(number: signal.Signals, done: list[str]) -> None:
    """Receive a signal in the middle of a deferred block."""
    with deferred():
        signal.raise_signal(number)
        done.append("all of it")


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_waits(number: signal.Signals, raised: type[BaseException]) -> None:
    """A signal takes effect at the end of the block, and is not lost."""
    done: list[str] = []
    with terminable(), pytest.raises(raised):
        _work(number, done)
    assert done == ["all of it"]


def test_twice_at_once() -> None:
    """Of two signals at once only the first has an effect, so that the second does not cut the clean-up short."""
    done: list[str] = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            done.append("cleaned up")

    with terminable(), pytest.raises(KeyboardInterrupt), temporary(lambda: None, lambda: done.append("removed")):
        work()
    assert done == ["cleaned up", "removed"]


def test_while_the_process_ends() -> None:
    """A second signal does not cut short what an ended command still writes; without a first one nothing stays."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with terminable(to_the_end=True):
        pass
    assert signal.getsignal(signal.SIGINT) is before[signal.SIGINT]
    try:
        with pytest.raises(KeyboardInterrupt), terminable(to_the_end=True):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_one_within_another() -> None:
    """With nested blocks the signal waits for the outer one; the handlers from before are in place afterwards."""
    done: list[str] = []

    def outer() -> None:
        with deferred():
            _work(signal.SIGINT, done)
            done.append("the outer rest")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        outer()
    assert done == ["all of it", "the outer rest"]
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_made_is_removed() -> None:
    """Ctrl-C while something is made waits until it is there; then it is removed completely."""
    done: list[str] = []

    def make() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("made")

    def remove() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("removed")

    with pytest.raises(KeyboardInterrupt), temporary(make, remove):
        done.append("used")
    assert done == ["made", "removed"]


def test_in_another_thread() -> None:
    """In another thread than the main one it changes no handlers."""
    done = []

    def work() -> None:
        with deferred():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
