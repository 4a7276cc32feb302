"""Apps that fail by their own doing, in real containers, and the one cause that is named for each."""

from __future__ import annotations

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


def test_files_that_the_user_may_not_read(project: Project) -> None:
    """A file that is root's alone is named with the user that wants it."""
    more = "RUN echo 1 > /chart && chmod 600 /chart\nUSER 10001"

    error = cause_of(project, at_start="open('/chart')", more=more)

    assert error["cause"] == "permission-denied"
    assert "user 10001 may not use /chart" in error["reason"]
    assert "chmod" in error["hint"]


def test_a_syntax_error(project: Project) -> None:
    """File and line are named."""
    error = cause_of(project, source="import os\n\ndef sail(:\n    pass\n")

    assert error["cause"] == "syntax-error"
    assert "/app.py:3: SyntaxError" in error["reason"]
    assert error["hint"].startswith("fix /app.py:3")


def test_an_import_that_the_module_has_not_got(project: Project) -> None:
    """A module that is there, of another version than the app was written for, is told apart from a missing one."""
    error = cause_of(project, at_start="from http.server import Missing")

    assert error["cause"] == "broken-import"
    assert "http.server has no Missing to import" in error["reason"]
    assert error["hint"].startswith("fix the import from http")


def test_two_that_want_the_same_port(project: Project) -> None:
    """An app that starts its server twice is told so, not that the machine's port is taken."""
    error = cause_of(project, source=_TWICE)

    assert error["cause"] == "port-taken-inside"
    assert "two processes in the container use the same port" in error["reason"]


def test_an_exception_that_nobody_catches(project: Project) -> None:
    """The exception is named with its place."""
    error = cause_of(project, at_start="missing.call()")

    assert error["cause"] == "uncaught-exception"
    assert "NameError: name 'missing' is not defined (exit code 1)" in error["reason"]
    assert error["hint"].startswith("fix /app.py:")


def test_an_exception_of_the_apps_own(project: Project) -> None:
    """An exception is known by its place behind the traceback, whatever it is called; what it got over is not told."""
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
    assert "AppError: no config (exit code 1)" in error["reason"]
    assert error["hint"].startswith("fix /app.py:10")


def test_a_file_below_what_is_empty_at_start(project: Project) -> None:
    """What is copied to /tmp is not there when the app starts: it must make it."""
    error = cause_of(project, at_start="open('/tmp/charts/x')", more="COPY app.py /tmp/charts/x")

    assert error["cause"] == "missing-file"
    assert error["hint"].startswith("let the app create /tmp/charts when it starts")


def test_owners_that_cannot_be_changed(project: Project) -> None:
    """Changing owners takes a capability that the container has not got: the Dockerfile is where to do it."""
    error = cause_of(project, at_start="open('/tmp/x', 'w').close(); os.chown('/tmp/x', 101, 101)")

    assert error["cause"] == "permission-denied"
    assert "may not change /tmp/x" in error["reason"]
    assert "COPY --chown" in error["hint"]


def test_a_warning_of_an_app_that_is_slow(project: Project) -> None:
    """A cache that cannot be kept does not stop an app that still starts."""
    start = "import subprocess; subprocess.run(['mkdir', '/.config']); time.sleep(60)"

    error = cause_of(project, at_start=start, timeout=3)

    assert error["cause"] == "slow-start"
    assert "Read-only file system" in error["reason"]


def test_a_helper_that_listens(project: Project) -> None:
    """A port of a helper's does not hide the exception that keeps the app from listening on its own."""
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
    """What answers in no HTTP is told as that."""
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
    assert "does not answer in HTTP" in error["reason"]


def test_an_environment_variable_that_nobody_sets(project: Project) -> None:
    """The variable is named, with the setting that gives it."""
    error = cause_of(project, at_start="os.environ['API_KEY']")

    assert error["cause"] == "missing-environment"
    assert "environment: {API_KEY: …} under apps.web" in error["hint"]


def test_a_worker_that_fails_to_boot(project: Project) -> None:
    """Gunicorn's word is told with the exception behind it.

    No base image of the tests has gunicorn: its words are printed by hand.
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
    """An app that was still starting is told with its last words and the setting that gives it time."""
    error = cause_of(project, at_start="print('loading charts', flush=True); time.sleep(60)", timeout=3)

    assert error["cause"] == "slow-start"
    assert "after 3 s it does not listen on any port yet; its last log line: loading charts" in error["reason"]
    assert error["hint"].startswith("smoke_timeout: 30 under apps.web")


def test_an_app_that_takes_the_call_and_says_nothing(project: Project) -> None:
    """An app that listens and never answers is told apart from one that is slow to start."""
    error = cause_of(project, at_request="time.sleep(600)", timeout=5)

    assert error["cause"] == "no-answer"
    assert "no complete answer" in error["reason"]


def test_an_exception_behind_a_500(project: Project) -> None:
    """A server error is told with the exception that the log holds."""
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
    assert "status 500" in error["reason"]


def test_nothing_but_500(project: Project) -> None:
    """A server error of which the log says nothing stays one."""
    error = cause_of(project, status=500, timeout=5)

    assert error["cause"] == "server-error"
    assert "status 500, expected 200" in error["reason"]


def test_another_apps_page(project: Project) -> None:
    """A server that was given no app is known by its own page."""
    error = cause_of(project, command='["python3", "-m", "http.server", "5000"]')

    assert error["cause"] == "wrong-app"
    assert "Python's http.server" in error["reason"]
    assert "SimpleHTTP" in error["reason"]


def test_another_version(project: Project) -> None:
    """The right app of another version is told with both."""
    error = cause_of(project, at_start="os.environ['VERSION'] = '0.9'")

    assert error["cause"] == "wrong-version"
    assert "expected version 1" in error["reason"]
    assert "got 0.9" in error["reason"]


def test_the_wrong_words(project: Project) -> None:
    """What fits no other cause is told as it came, at once."""
    error = cause_in_time(project, 2, page="goodbye")

    assert error["cause"] == "wrong-answer"
    assert "does not contain 'hello 1'" in error["reason"]


def test_a_command_that_comes_to_its_end(project: Project) -> None:
    """A CMD that ends without an error is no server."""
    error = cause_of(project, source="print('goodbye')\n")

    assert error["cause"] == "ended"
    assert "exit code 0" in error["reason"]


def test_an_end_that_nobody_knows_the_cause_of(project: Project) -> None:
    """Where no cause fits, that is said, with what there is to see."""
    error = cause_of(project, at_start="print('a squall'); sys.exit(7)")

    assert error["cause"] == "unknown"
    assert "exit code 7; no known cause fits" in error["reason"]
    assert "a squall" in error["details"]


def test_run_names_the_cause_as_well(project: Project) -> None:
    """An app that dies in `run` is told as in `smoke`."""
    error = cause_of(project, "run", at_start="import flask")

    assert error["cause"] == "missing-module"


def test_people_read_the_cause(project: Project) -> None:
    """The lines for people hold timeline, log, cause and what to type."""
    project.write(at_start="import flask")
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    failed(done, "| log:", "container: state exited", "ModuleNotFoundError", "why:  the module flask is missing")
    assert done.seconds < 4
