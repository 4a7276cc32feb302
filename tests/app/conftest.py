"""The app as a test client, and as a process of its own."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.app import create_app

APP = Path(__file__).parents[2] / "app"
COMMANDS = {
    "app.py": (sys.executable, "app.py"),
    "gunicorn": (sys.executable, "-m", "gunicorn", "app:create_app()"),
}
OURS = ("APP_VERSION", "FLASK_DEBUG", "GUNICORN_CMD_ARGS", "HOST", "PORT", "WEB_CONCURRENCY")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A started server: its process and its port on 127.0.0.1."""

    process: subprocess.Popen[str]
    port: int

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to the server as soon as it accepts one, within 20 seconds."""
        end = time.monotonic() + 20
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.connect()
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return connection


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**ours: str) -> dict[str, str]:
    """Return this process' environment, in which only `ours` sets variables of the app."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | ours


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client of the app in this process, version 1.10."""
    monkeypatch.setenv("APP_VERSION", "1.10")
    return create_app().test_client()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Return a function that starts a command of COMMANDS on a free port; it is killed after the test."""
    with ExitStack() as stack:

        def _start(command: str, **ours: str) -> Server:
            port = free_port()
            process = subprocess.Popen(
                COMMANDS[command],
                cwd=APP,
                env=environment(PORT=str(port), **ours),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Server(process=process, port=port)

        yield _start


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a command of COMMANDS to its end, for at most 20 seconds."""

    def _run(command: str, **ours: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            COMMANDS[command],
            cwd=APP,
            env=environment(**ours),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    return _run
