"""The app: what it answers, and how its two servers start and stop."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from app.app import create_app

if TYPE_CHECKING:
    from tests.app.conftest import Server

BAD_PORTS = ["0", "65536", "-1", "http", "", " 80", "5_000", "8080\n", "٣٣٣٣", "9" * 5000]


class Page(HTMLParser):
    """A page's text and attributes by element, and every address in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: dict[str, str] = {}
        self.attributes: dict[str, list[dict[str, str | None]]] = {}
        self.addresses: list[str | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the element."""
        self.attributes.setdefault(tag, []).append(dict(attrs))
        self.addresses += [value for name, value in attrs if name in {"action", "href", "src", "srcset"}]
        if tag not in {"link", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element, which must be the innermost one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Record the text."""
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


def test_page(client: FlaskClient) -> None:
    """The page is the original one in Brazilian Portuguese, and fits a phone."""
    answer = client.get("/")
    page = Page(answer.text)
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.text.startswith("<!DOCTYPE html>")
    assert page.open == []
    assert page.attributes["html"] == [{"lang": "pt-BR"}]
    assert page.text["title"] == "Flask no Docker"
    assert page.text["h1"] == "Eu amo Docker"
    assert "viewport" in {meta.get("name") for meta in page.attributes["meta"]}


def test_page_alone(client: FlaskClient) -> None:
    """The page makes the browser request nothing else, not even an icon."""
    html = client.get("/").text
    page = Page(html)
    assert [link.get("rel") for link in page.attributes["link"]] == ["icon"]
    assert all(address and address.startswith("data:") for address in page.addresses)
    assert "url(" not in html
    assert "@import" not in html
    assert "script" not in page.attributes


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


@pytest.mark.parametrize("port", ["0", "65536", "http"])
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
