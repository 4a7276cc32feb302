"""Signals in a moment that no signal may cut in two."""

from __future__ import annotations

import signal
import threading

import pytest

from seatrial.cli.session import Terminated, terminable
from seatrial.host.signals import deferred, temporary


def _work(number: signal.Signals, done: list[str]) -> None:
    """Do something, in the middle of which a signal comes."""
    with deferred():
        signal.raise_signal(number)
        done.append("all of it")


def test_ctrl_c_waits() -> None:
    """Ctrl-C comes when the moment is over, not before, and not never."""
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        _work(signal.SIGINT, done)
    assert done == ["all of it"]


def test_sigterm_waits() -> None:
    """SIGTERM does as well, and then does what it always does in a command."""
    done: list[str] = []
    with terminable(), pytest.raises(Terminated):
        _work(signal.SIGTERM, done)
    assert done == ["all of it"]


def test_one_within_another() -> None:
    """A moment within another ends with the outer one."""
    done: list[str] = []

    def outer() -> None:
        with deferred():
            _work(signal.SIGINT, done)
            done.append("the outer rest")

    with pytest.raises(KeyboardInterrupt):
        outer()
    assert done == ["all of it", "the outer rest"]


def test_what_is_made_is_removed() -> None:
    """Ctrl-C while something comes into being waits until it is there; then it is removed, whole, too."""
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


def test_nothing_changes_afterwards() -> None:
    """Who heard the signals before hears them afterwards."""
    before = signal.getsignal(signal.SIGINT)
    with deferred():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread() -> None:
    """In another thread than the main one it lets everything be."""
    done = []

    def work() -> None:
        with deferred():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
