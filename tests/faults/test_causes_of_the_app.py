"""Faults of an app itself, in real containers, each with its cause."""

from __future__ import annotations

import re

import pytest

from tests.cli_project import Project, failed
from tests.faults.test_causes import cause_of

pytestmark = [pytest.mark.engine, pytest.mark.container]


def test_a_file_without_permission(project: Project) -> None:
    """A file that only root may read is named with the user of the container."""
    more = "RUN echo 1 > /chart && chmod 600 /chart\nUSER 10001"

    error = cause_of(project, at_start="open('/chart')", more=more)

    assert error["cause"] == "permission-denied"
    assert all(name in error["reason"] for name in ("10001", "/chart"))
    assert "chmod" in error["hint"]


def test_a_file_in_a_folder_that_is_empty_at_start(project: Project) -> None:
    """A file copied to /tmp is hidden by its tmpfs, so the app must create it."""
    error = cause_of(project, at_start="open('/tmp/charts/x')", more="COPY app.py /tmp/charts/x")

    assert error["cause"] == "missing-file"
    assert "/tmp/charts" in error["hint"]  # noqa: S108  a path in the container
    assert "COPY" not in error["hint"]


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


def test_another_apps_page(project: Project) -> None:
    """A server without the app is recognized by its default page."""
    error = cause_of(project, command='["python3", "-m", "http.server", "5000"]')

    assert error["cause"] == "wrong-app"
    assert "http.server" in error["reason"]


def test_a_command_that_ends(project: Project) -> None:
    """A CMD that ends without an error is reported with its exit code."""
    error = cause_of(project, source="print('goodbye')\n")

    assert error["cause"] == "ended"
    assert re.search(r"\b0\b", error["reason"])


@pytest.mark.alone
def test_people_read_the_cause(project: Project) -> None:
    """Without --json, the lines hold log, cause and hint, too."""
    project.write(at_start="import flask")
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    failed(done, "| ", "ModuleNotFoundError", "flask")
    assert re.search(r"^failed +smoke ", done.out, re.MULTILINE)
    assert done.seconds < 4
