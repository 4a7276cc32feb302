"""The owner of a port is found."""

from __future__ import annotations

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from seatrial.diagnosis.port_owner import find_port_owner


def test_this_process(free_port: int) -> None:
    """A listening process is named with its id; a port that nothing listens on has no owner."""
    assert find_port_owner((), free_port) is None
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port))
        listener.listen()
        assert (find_port_owner((), free_port) or "").startswith(f"process {os.getpid()} (")
    assert find_port_owner((), free_port) is None


@pytest.mark.parametrize(("name", "airplay"), [("AirTunes/775.3.1", True), ("nginx", False)])
def test_without_proc(name: str, tmp_path: Path, *, airplay: bool) -> None:
    """On macOS, which has no /proc, the system's AirPlay Receiver is known by its Server header."""

    class Receiver(BaseHTTPRequestHandler):
        def version_string(self) -> str:
            return name

        def do_GET(self) -> None:
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            owner = find_port_owner((), server.server_port, proc=tmp_path)
            assert owner is not None
            assert ("AirPlay" in owner) is airplay
        finally:
            server.shutdown()
            thread.join()
