"""Connections to an address, as the kernel lists them."""

from __future__ import annotations

import socket
import threading
import time

from seatrial.host.sockets import count_connections, wait_until_drained


def test_they_are_counted() -> None:
    """Each established connection counts, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.getsockname()
        assert count_connections([place], ()) == 0
        with socket.create_connection(place), socket.create_connection(place):
            assert count_connections([place], ()) == 2
        assert count_connections([place], ()) == 0


def test_near_ones_count_before_anybody_takes_them() -> None:
    """What the kernel has taken on a port of ours counts, also while no program has accepted it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert count_connections((), [port]) == 1


def test_waiting_for_the_last() -> None:
    """It is waited until the last one is closed, and no longer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = socket.create_connection(listener.getsockname())
        began = time.monotonic()
        threading.Timer(0.2, line.close).start()

        assert wait_until_drained([listener.getsockname()], (), seconds=10)

        assert 0.15 < time.monotonic() - began < 5


def test_waiting_is_bounded() -> None:
    """What stays open is waited for no longer than that."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        assert not wait_until_drained([listener.getsockname()], (), seconds=0.1)
