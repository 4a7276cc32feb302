"""Fixtures for the tests of what serves."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def another_port() -> int:
    """A free TCP port besides the app's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
