"""Broken apps in real containers, each with its cause."""

from __future__ import annotations

import re
from typing import Any

import docker
import pytest

from tests.cli_project import Project, failed

pytestmark = [pytest.mark.engine, pytest.mark.container]

_SERVER = """\
import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello " + os.environ["VERSION"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

"""
_SERVE = 'HTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()\n'


def cause_of(project: Project, task: str = "smoke", **write: Any) -> dict[str, Any]:
    """Build a broken app, run a task that fails on it, and return the error with the step's seconds."""
    project.write(**write)
    done = project.invoke("build", "--version", "1", task, "--json")
    assert done.statuses[task] == "failed"
    failed(done)
    (seconds,) = [step["seconds"] for step in done.document["steps"] if step["status"] == "failed"]
    return {**done.error, "seconds": seconds}


def cause_in_time(project: Project, seconds: float, **write: Any) -> dict[str, Any]:
    """Return the error, which must come within these seconds in one of three runs, as the machine may be busy."""
    for _ in range(3):
        error = cause_of(project, **write)
        if error["seconds"] < seconds:
            break
    assert error["seconds"] < seconds
    return error


@pytest.mark.alone
def test_a_missing_module(project: Project) -> None:
    """The module and the requirements file are named within two seconds."""
    (project.folder / "requirements.txt").write_text("requests==2.32\n")

    error = cause_in_time(project, 2, at_start="import flask_cors")

    assert error["cause"] == "missing-module"
    assert all(name in error["reason"] for name in ("flask_cors", "requirements.txt"))
    assert all(name in error["hint"] for name in ("flask-cors", "requirements.txt"))
    assert "invoke build smoke" in error["hint"]
    assert any("ModuleNotFoundError" in line for line in error["details"])
    assert any(re.search(r"\bexit\w* .*\b1\b", line) for line in error["details"])


def test_bound_to_loopback(project: Project) -> None:
    """An app that listens on 127.0.0.1 in its container gets the address to listen on instead."""
    source = _SERVER + _SERVE.replace('""', '"127.0.0.1"', 1)

    error = cause_of(project, source=source, timeout=5)

    assert error["cause"] == "bound-to-loopback"
    assert "127.0.0.1:5000" in error["reason"]
    assert "0.0.0.0:5000" in error["hint"]


def test_the_wrong_port(project: Project) -> None:
    """Both ports are named, and both ways out, without waiting for the time to be over; the setting alone fixes it."""
    source = _SERVER + 'HTTPServer(("", 8123), Page).serve_forever()\n'

    error = cause_of(project, source=source, timeout=60)

    assert error["seconds"] < 20

    assert error["cause"] == "wrong-port"
    assert all(port in error["reason"] for port in ("8123", "5000"))
    assert "port: 8123" in error["hint"]
    assert "$PORT" in error["hint"]
    project.write(source=source, settings="port: 8123")
    assert project.invoke("build", "--version", "1", "smoke").code == 0


@pytest.mark.alone
def test_out_of_memory(project: Project) -> None:
    """A process that the kernel kills for memory is explained with the limit and the setting that raises it."""
    error = cause_in_time(project, 2, at_start="bytearray(400 * 1024 * 1024)", settings="memory: 24m")

    assert error["cause"] == "out-of-memory"
    assert "24 MiB" in error["reason"]
    assert "memory: 48m" in error["hint"]


def test_a_write_to_the_read_only_root(project: Project) -> None:
    """The path is named, with the setting that makes its folder writable, for a user who is not root, too."""
    write = "os.makedirs('/var/cache/page', exist_ok=True); open('/var/cache/page/log', 'w').close()"

    error = cause_of(project, at_start=write, more="RUN mkdir -p /var/cache/page")

    assert error["cause"] == "read-only-root"
    assert "/var/cache/page/log" in error["reason"]
    assert "tmpfs: [/var/cache/page]" in error["hint"]
    more = "RUN mkdir -p /var/cache/page\nUSER 10001:10001"
    project.write(at_start=write, more=more, settings="tmpfs: [/var/cache/page]")
    assert project.invoke("build", "--version", "1", "smoke").code == 0


def test_an_image_for_another_processor(project: Project, client: docker.DockerClient) -> None:
    """An image for another platform is explained with both platforms and the build that fixes it."""
    own = f"linux/{client.version()['Arch']}"
    other, machine = ("linux/arm64", 0xB7) if own == "linux/amd64" else ("linux/amd64", 0x3E)
    server = project.folder / "server"
    server.write_bytes(bytes([0x7F, *b"ELF", 2, 1, 1, *bytes(9), 2, 0, machine, 0, 1, *bytes(43)]))
    server.chmod(0o755)
    (project.folder / "Dockerfile").write_text('FROM scratch\nCOPY server /server\nCMD ["/server"]\n')
    assert project.invoke("build", "--version", "1", "--platform", other).code == 0

    done = project.invoke("smoke", "--json")

    failed(done)
    error = done.document["steps"][-1]["error"]
    assert (error["cause"], error["hint"]) == ("wrong-architecture", f"invoke build --platform {own} smoke")
    assert all(name in error["reason"] for name in (own, other))


@pytest.mark.alone
def test_a_missing_command(project: Project) -> None:
    """A missing program is named with the CMD that starts it."""
    error = cause_in_time(project, 2, command='["gunicorn", "app:app"]')

    assert error["cause"] == "command-not-found"
    assert "gunicorn" in error["reason"]
    assert "gunicorn app:app" in error["hint"]
