"""Faults of an app itself, in real containers, each with its cause."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli_project import Project, failed
from tests.faults.test_causes import cause_of
from tests.servers.certificates import issue

pytestmark = [pytest.mark.engine, pytest.mark.container]


def test_a_file_without_permission(project: Project) -> None:
    """A file that only root may read is named with the user of the container."""
    more = "RUN echo 1 > /chart && chmod 600 /chart\nUSER 10001"

    error = cause_of(project, at_start="open('/chart')", more=more)

    assert error["cause"] == "permission-denied"
    assert all(name in error["reason"] for name in ("10001", "/chart"))
    assert "chmod" in error["hint"]


def test_a_slow_start(project: Project) -> None:
    """An app that is still starting at the deadline is reported with its last log line and the setting to change."""
    error = cause_of(project, at_start="print('loading charts', flush=True); time.sleep(60)", timeout=3)

    assert error["cause"] == "slow-start"
    assert all(text in error["reason"] for text in ("3 s", "loading charts"))
    assert "smoke_timeout: 30" in error["hint"]


def test_an_exception_behind_a_500(project: Project) -> None:
    """A server error is reported with the exception in the log."""
    source = (
        "import os, traceback\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n\n"
        "class Page(BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        try:\n"
        "            {}['missing']\n"
        "        except KeyError:\n"
        "            traceback.print_exc()\n"
        "            self.send_error(500)\n\n"
        "HTTPServer(('', int(os.environ['PORT'])), Page).serve_forever()\n"
    )

    error = cause_of(project, source=source, timeout=5)

    assert error["cause"] == "uncaught-exception"
    assert "KeyError: 'missing'" in error["reason"]
    assert re.search(r"\b500\b", error["reason"])


def test_an_app_that_speaks_https_only(project: Project, tmp_path: Path) -> None:
    """An app behind TLS of its own is called that, and passes with the scheme that the hint names."""
    made = issue(tmp_path, "localhost")
    (project.folder / "server.pem").write_text(made.key.read_text() + made.certificate.read_text())
    start = "import ssl; context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain('/server.pem')\n"
    start += "HTTPServer.get_request = lambda self: (context.wrap_socket((it := self.socket.accept())[0], True), it[1])"
    settings = "allow_in_context: [server.pem]"

    error = cause_of(project, at_start=start, more="COPY server.pem /\n", settings=settings, timeout=3)

    assert (error["cause"], error["hint"]) == (
        "https-only",
        "checks: [{path: /, scheme: https}] under apps.web in invoke.yaml, then: invoke smoke",
    )
    file = project.folder / "invoke.yaml"
    file.write_text(file.read_text().replace("{path: /,", "{path: /, scheme: https,"))
    assert project.invoke("smoke").code == 0


@pytest.mark.alone
def test_people_read_the_cause(project: Project) -> None:
    """Without --json, the lines hold log, cause and hint, too."""
    project.write(at_start="import flask")
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    failed(done, "| ", "ModuleNotFoundError", "flask")
    assert re.search(r"^failed +smoke ", done.out, re.MULTILINE)
    assert done.seconds < 4
