"""Faults of an app itself, in real containers, each with its cause."""

from __future__ import annotations

import re

import pytest

from tests.cli_project import Project, failed
from tests.faults.test_causes import cause_in_time, cause_of

pytestmark = [pytest.mark.engine, pytest.mark.container]
_TWICE = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

first = HTTPServer(("", int(os.environ["PORT"])), BaseHTTPRequestHandler)
HTTPServer(("", int(os.environ["PORT"])), BaseHTTPRequestHandler).serve_forever()
"""


def test_a_file_without_permission(project: Project) -> None:
    """A file that only root may read is named with the user of the container."""
    more = "RUN echo 1 > /chart && chmod 600 /chart\nUSER 10001"

    error = cause_of(project, at_start="open('/chart')", more=more)

    assert error["cause"] == "permission-denied"
    assert all(name in error["reason"] for name in ("10001", "/chart"))
    assert "chmod" in error["hint"]


def test_a_syntax_error(project: Project) -> None:
    """A syntax error is named with file and line."""
    error = cause_of(project, source="import os\n\ndef start(:\n    pass\n")

    assert error["cause"] == "syntax-error"
    assert all(name in error["reason"] for name in ("/app.py:3", "SyntaxError"))
    assert "/app.py:3" in error["hint"]


def test_an_import_that_the_module_does_not_have(project: Project) -> None:
    """A module without the imported name, as of another version, is not reported as missing."""
    error = cause_of(project, at_start="from http.server import Missing")

    assert error["cause"] == "broken-import"
    assert all(name in error["reason"] for name in ("http.server", "Missing"))
    assert "http" in error["hint"]


def test_two_servers_on_one_port(project: Project) -> None:
    """An app that starts its server twice conflicts with itself, not with a port of the machine."""
    error = cause_of(project, source=_TWICE)

    assert error["cause"] == "port-taken-inside"


def test_an_uncaught_exception(project: Project) -> None:
    """An uncaught exception is named with file and line."""
    error = cause_of(project, at_start="missing.call()")

    assert error["cause"] == "uncaught-exception"
    assert "NameError: name 'missing' is not defined" in error["reason"]
    assert re.search(r"/app\.py:\d+", error["hint"])


def test_an_exception_of_the_apps_own(project: Project) -> None:
    """An exception with any name is recognized after its traceback; a handled one before it is not the cause."""
    start = (
        "import traceback\n"
        "try:\n"
        "    import ujson\n"
        "except ImportError:\n"
        "    traceback.print_exc()\n"
        "class AppError(Exception): pass\n"
        "raise AppError('no config')"
    )

    error = cause_of(project, at_start=start)

    assert error["cause"] == "uncaught-exception"
    assert "AppError: no config" in error["reason"]
    assert "/app.py:10" in error["hint"]


def test_a_file_in_a_folder_that_is_empty_at_start(project: Project) -> None:
    """A file copied to /tmp is hidden by its tmpfs, so the app must create it."""
    error = cause_of(project, at_start="open('/tmp/charts/x')", more="COPY app.py /tmp/charts/x")

    assert error["cause"] == "missing-file"
    assert "/tmp/charts" in error["hint"]  # noqa: S108  a path in the container
    assert "COPY" not in error["hint"]


def test_owners_that_cannot_be_changed(project: Project) -> None:
    """Changing owners needs a capability that the container does not have; the Dockerfile must do it."""
    error = cause_of(project, at_start="open('/tmp/x', 'w').close(); os.chown('/tmp/x', 101, 101)")

    assert error["cause"] == "permission-denied"
    assert "/tmp/x" in error["reason"]  # noqa: S108  a path in the container
    assert "COPY --chown" in error["hint"]


def test_a_warning_of_a_slow_app(project: Project) -> None:
    """A failed write that does not end the app is not its cause."""
    start = "import subprocess; subprocess.run(['mkdir', '/.config']); time.sleep(60)"

    error = cause_of(project, at_start=start, timeout=3)

    assert error["cause"] == "slow-start"
    assert "Read-only file system" in error["reason"]


def test_a_second_port(project: Project) -> None:
    """Another open port does not hide the exception that keeps the app from listening on its own."""
    start = (
        "import socket, traceback\n"
        "helper = socket.create_server(('127.0.0.1', 9229))\n"
        "try:\n"
        "    import flask\n"
        "except ImportError:\n"
        "    traceback.print_exc()\n"
        "time.sleep(60)"
    )

    error = cause_of(project, at_start=start, timeout=3)

    assert error["cause"] == "missing-module"


def test_another_protocol(project: Project) -> None:
    """An answer that is not HTTP is no answer."""
    source = (
        "import os, socket\n"
        "server = socket.create_server(('', int(os.environ['PORT'])))\n"
        "while True:\n"
        "    with server.accept()[0] as call:\n"
        "        call.recv(4096)\n"
        "        call.sendall(b'220 goodbye\\r\\n')\n"
    )

    error = cause_of(project, source=source, timeout=3)

    assert error["cause"] == "no-answer"


def test_a_missing_environment_variable(project: Project) -> None:
    """A missing environment variable is named with the setting that sets it."""
    error = cause_of(project, at_start="os.environ['API_KEY']")

    assert error["cause"] == "missing-environment"
    assert re.search(r"environment: \{API_KEY: .+\}", error["hint"])


def test_a_worker_that_fails_to_boot(project: Project) -> None:
    """A worker that fails to boot is reported with the exception that ended it.

    The tests' base image has no gunicorn, so the app prints what gunicorn prints.
    """
    start = (
        "import traceback\n"
        "try:\n"
        "    1 / 0\n"
        "except ArithmeticError:\n"
        "    traceback.print_exc()\n"
        "print('[ERROR] Shutting down: Master\\n[ERROR] Reason: Worker failed to boot.', file=sys.stderr)\n"
        "sys.exit(3)"
    )

    error = cause_of(project, at_start=start)

    assert error["cause"] == "worker-failed"
    assert "ZeroDivisionError: division by zero" in error["reason"]


def test_a_slow_start(project: Project) -> None:
    """An app that is still starting at the deadline is reported with its last log line and the setting to change."""
    error = cause_of(project, at_start="print('loading charts', flush=True); time.sleep(60)", timeout=3)

    assert error["cause"] == "slow-start"
    assert all(text in error["reason"] for text in ("3 s", "loading charts"))
    assert "smoke_timeout: 30" in error["hint"]


def test_an_app_that_never_answers(project: Project) -> None:
    """An app that listens and never answers is not reported as slow to start."""
    error = cause_of(project, at_request="time.sleep(600)", timeout=5)

    assert error["cause"] == "no-answer"
    assert error["seconds"] >= 5


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


def test_a_500_without_a_log(project: Project) -> None:
    """A server error without an exception in the log has a cause of its own."""
    error = cause_of(project, status=500, timeout=5)

    assert error["cause"] == "server-error"
    assert re.findall(r"\b[25]00\b", error["reason"]) == ["500", "200"]


def test_another_apps_page(project: Project) -> None:
    """A server without the app is recognized by its default page."""
    error = cause_of(project, command='["python3", "-m", "http.server", "5000"]')

    assert error["cause"] == "wrong-app"
    assert "http.server" in error["reason"]


def test_another_version(project: Project) -> None:
    """Another version of the app is reported with both versions."""
    error = cause_of(project, at_start="os.environ['VERSION'] = '0.9'")

    assert error["cause"] == "wrong-version"
    assert re.search(r"\b1\b.*\b0\.9\b", error["reason"])


@pytest.mark.alone
def test_the_wrong_text(project: Project) -> None:
    """A wrong page without a more specific cause fails at once with the expected text."""
    error = cause_in_time(project, 2, page="goodbye")

    assert error["cause"] == "wrong-answer"
    assert "'hello 1'" in error["reason"]


def test_a_command_that_ends(project: Project) -> None:
    """A CMD that ends without an error is reported with its exit code."""
    error = cause_of(project, source="print('goodbye')\n")

    assert error["cause"] == "ended"
    assert re.search(r"\b0\b", error["reason"])


def test_an_unknown_cause(project: Project) -> None:
    """If no cause fits, the cause is unknown, and exit code and log are shown."""
    error = cause_of(project, at_start="print('a problem'); sys.exit(7)")

    assert error["cause"] == "unknown"
    assert re.search(r"\b7\b", error["reason"])
    assert "a problem" in error["details"]


def test_run_names_the_cause_as_well(project: Project) -> None:
    """`run` names the cause of a dead app as `smoke` does."""
    error = cause_of(project, "run", at_start="import flask")

    assert error["cause"] == "missing-module"


@pytest.mark.alone
def test_people_read_the_cause(project: Project) -> None:
    """Without --json, the lines hold log, cause and hint, too."""
    project.write(at_start="import flask")
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    failed(done, "| ", "ModuleNotFoundError", "flask")
    assert re.search(r"^failed +smoke ", done.out, re.MULTILINE)
    assert done.seconds < 4
