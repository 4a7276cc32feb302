"""Wait for a condition, such as a server that answers."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import docker
import requests
from docker.errors import NotFound

__all__ = ["answers", "list_images", "page", "wait_until"]


def answers(url: str) -> bool:
    """Return whether a server answers HTTP at this URL."""
    try:
        requests.get(url, timeout=2)
    except requests.RequestException:
        return False
    return True


def page(port: int, address: str = "127.0.0.1", *, timeout: float = 2) -> str | None:
    """Return what a server answers to GET / with the status 200, or None; a bare connection costs the least time."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def list_images(client: docker.APIClient) -> list[dict[str, Any]]:
    """Return the engine's images; on the containerd store the list fails while another test removes one."""
    found: list[dict[str, Any]] = []

    def listed() -> bool:
        with suppress(NotFound):
            found[:] = client.images()
            return True
        return False

    wait_until(listed)
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 30, pause: float = 0.02) -> None:
    """Wait until the condition is true, checking every `pause` seconds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(pause)
