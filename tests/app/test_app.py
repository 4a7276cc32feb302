"""The app: what it answers, and how its two servers start and stop."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from app.app import create_app

if TYPE_CHECKING:
    from tests.app.conftest import Server

BAD_PORTS = ["0", "65536", "", " 80", "5_000", "٣٣٣٣"]


def test_page(client: FlaskClient) -> None:
    """The page is the original one in Brazilian Portuguese, fits a phone, and requests nothing else."""
    answer = client.get("/")
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    for part in ("<!DOCTYPE html>", 'lang="pt-BR"', "<title>Flask no Docker</title>", "Eu amo Docker</h1>", "viewport"):
        assert part in answer.text
    addresses = re.findall(r"""\b(?:action|href|src|srcset)=["']?([^"'\s>]+)""", answer.text)
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(r"url\(|@import|<script", answer.text)


def test_health(client: FlaskClient) -> None:
    """The health answer has the version exactly as it was set."""
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok", "version": "1.10"}


def test_health_without_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without APP_VERSION the version is "dev"."""
    monkeypatch.delenv("APP_VERSION", raising=False)
    assert create_app().test_client().get("/healthz").get_json() == {"status": "ok", "version": "dev"}


def test_unknown_path(client: FlaskClient) -> None:
    """Any other path is a 404."""
    assert client.get("/elsewhere").status_code == 404


@pytest.mark.parametrize("command", ["app.py", "gunicorn"])
def test_serves_on_port(command: str, start: Callable[..., Server]) -> None:
    """Each server answers on the port in PORT, with the version of its environment."""
    connection = start(command, APP_VERSION="2.0").connect()
    connection.request("GET", "/healthz")
    assert json.load(connection.getresponse()) == {"status": "ok", "version": "2.0"}
    connection.request("GET", "/")
    assert b"Eu amo Docker" in connection.getresponse().read()
    connection.close()


def test_no_debugger(start: Callable[..., Server]) -> None:
    """FLASK_DEBUG=1 does not turn on the debugger, which would run any client's code."""
    connection = start("app.py", FLASK_DEBUG="1").connect()
    connection.request("GET", "/?__debugger__=yes&cmd=resource&f=debugger.js")
    assert connection.getresponse().getheader("Content-Type") == "text/html; charset=utf-8"
    connection.close()


def test_development_is_local(start: Callable[..., Server]) -> None:
    """`python app.py` listens only on 127.0.0.1; another loopback address stands for another machine."""
    server = start("app.py")
    server.connect().close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port), timeout=5).close()


@pytest.mark.parametrize("port", BAD_PORTS, ids=ascii)
def test_bad_port(port: str, run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """`python app.py` refuses an invalid port in one line that names the variable, its value and the range."""
    result = run("app.py", PORT=port)
    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(rf".*\bPORT\b.*{re.escape(repr(port))}.*\b1\b.*\b65535\b.*\n", result.stderr)


@pytest.mark.parametrize("port", ["65536", "http"])
def test_bad_port_gunicorn(port: str, run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Gunicorn refuses an invalid port in the same line."""
    result = run("gunicorn", PORT=port)
    assert result.returncode == 1
    assert re.fullmatch(rf".*\bPORT\b.*{re.escape(repr(port))}.*\b1\b.*\b65535\b.*\n", result.stderr)


@pytest.mark.parametrize("asked", [True, False], ids=["kept alive", "never used"])
def test_stops_at_once(asked: bool, start: Callable[..., Server]) -> None:
    """Gunicorn ends within 2 seconds of SIGTERM although a client's idle connection is open."""
    server = start("gunicorn")
    first = server.connect()
    first.request("GET", "/healthz")
    assert first.getresponse().read()
    connection = first if asked else server.connect()
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    output, _ = server.process.communicate(timeout=20)
    seconds = time.monotonic() - began
    connection.close()
    first.close()
    assert seconds < 2
    assert server.process.returncode == 0
    assert '"GET /healthz HTTP/1.1" 200' in output
    assert not asked or "SIGKILL" not in output
