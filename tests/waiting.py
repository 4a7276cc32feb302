"""Waiting for what comes true by itself, such as a server that answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

__all__ = ["answers", "wait_until"]


def answers(url: str) -> bool:
    """Return whether anything answers HTTP there."""
    try:
        requests.get(url, timeout=2)
    except requests.RequestException:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float = 30, pause: float = 0.02) -> None:
    """Return once it holds, looked at with that pause between; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(pause)
