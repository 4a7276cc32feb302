"""Connections to an address, as the kernel lists them."""

from __future__ import annotations

import socket
import threading
import time

from lading.connections import connected_to, drained


def test_they_are_counted() -> None:
    """Each established connection counts, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert connected_to("127.0.0.1", port) == 0
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            assert connected_to("127.0.0.1", port) == 2
        assert connected_to("127.0.0.1", port) == 0


def test_waiting_for_the_last() -> None:
    """It is waited until the last one is closed, and no longer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = socket.create_connection(listener.getsockname())
        threading.Timer(0.2, line.close).start()
        began = time.monotonic()

        assert drained("127.0.0.1", listener.getsockname()[1], seconds=10)

        assert 0.15 < time.monotonic() - began < 5


def test_waiting_is_bounded() -> None:
    """What stays open is waited for no longer than that."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        assert not drained("127.0.0.1", listener.getsockname()[1], seconds=0.1)
