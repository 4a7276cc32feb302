"""Wait for a condition, such as a server that answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

__all__ = ["answers", "wait_until"]


def answers(url: str) -> bool:
    """Return whether a server answers HTTP at this URL."""
    try:
        requests.get(url, timeout=2)
    except requests.RequestException:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float = 30, pause: float = 0.02) -> None:
    """Wait until the condition is true, checking every `pause` seconds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(pause)
