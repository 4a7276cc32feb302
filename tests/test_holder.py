"""Who holds a port."""

from __future__ import annotations

import os
import socket

from lading.engine.memory import MemoryEngine
from lading.steps.holder import port_holder


def test_this_process(free_port: int) -> None:
    """A listening process is named with its id; a port nobody listens on has no holder."""
    engine = MemoryEngine()
    assert port_holder(engine, free_port) is None
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port))
        listener.listen()
        assert (port_holder(engine, free_port) or "").startswith(f"process {os.getpid()} (")
    assert port_holder(engine, free_port) is None
