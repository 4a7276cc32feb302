"""Broken apps in real containers, and the one cause that is named for each."""

from __future__ import annotations

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
    """Build a broken app, and give the error of the step that fails on it."""
    project.write(**write)
    built = project.invoke("build", "--version", "1")
    assert built.code == 0, built.all
    done = project.invoke(task, "--json")
    failed(done)
    (step,) = [step for step in done.document["steps"] if step["status"] == "failed"]
    error: dict[str, Any] = step["error"]
    error["seconds"] = step["seconds"]
    return error


def cause_in_time(project: Project, seconds: float, **write: Any) -> dict[str, Any]:
    """Return the error, told within so many seconds: at the best of up to three runs, as others keep a machine busy."""
    for _ in range(3):
        error = cause_of(project, **write)
        if error["seconds"] < seconds:
            break
    assert error["seconds"] < seconds
    return error


def test_a_module_that_nobody_installed(project: Project) -> None:
    """The module and the requirements file are named, within two seconds."""
    (project.folder / "requirements.txt").write_text("requests==2.32\n")

    error = cause_in_time(project, 2, at_start="import flask_cors")

    assert error["cause"] == "missing-module"
    assert "the module flask_cors is missing from requirements.txt" in error["reason"]
    assert error["hint"].startswith("add flask-cors to requirements.txt")
    assert "invoke build smoke" in error["hint"]
    assert any("ModuleNotFoundError" in line for line in error["details"])
    assert any("exit code 1" in line for line in error["details"])


def test_a_module_that_is_named_and_not_installed(project: Project) -> None:
    """A requirements file that names it is not the one to mend."""
    (project.folder / "requirements.txt").write_text("Flask==3.1\n")

    error = cause_of(project, at_start="import flask")

    assert error["cause"] == "missing-module"
    assert "although requirements.txt names flask" in error["reason"]


def test_an_own_module_that_is_not_in_the_image(project: Project) -> None:
    """A module of the app's own folder is not to be looked for at PyPI."""
    (project.folder / "helpers.py").write_text("")

    error = cause_of(project, at_start="import helpers")

    assert error["cause"] == "missing-module"
    assert "the app's own module helpers" in error["reason"]
    assert "COPY helpers" in error["hint"]


def test_a_system_library_that_nobody_installed(project: Project) -> None:
    """A shared object that is not there is named as what it is."""
    error = cause_of(project, at_start="import ctypes; ctypes.CDLL('libmissing.so.3')")

    assert error["cause"] == "missing-library"
    assert "the system library libmissing.so.3 is not in the image" in error["reason"]
    assert "apt-get install" in error["hint"]


def test_a_file_that_nobody_copied(project: Project) -> None:
    """A file that the app opens and that is not there is told by its path."""
    error = cause_of(project, at_start="open('/srv/chart.csv')")

    assert error["cause"] == "missing-file"
    assert "there is no /srv/chart.csv in the image" in error["reason"]
    assert error["hint"].startswith("COPY /srv/chart.csv in the Dockerfile")


def test_bound_to_loopback(project: Project) -> None:
    """An app that listens on the container's own 127.0.0.1 is told so, with the address to take."""
    source = _SERVER + _SERVE.replace('""', '"127.0.0.1"', 1)

    error = cause_of(project, source=source, timeout=5)

    assert error["cause"] == "bound-to-loopback"
    assert "listens only on 127.0.0.1:5000" in error["reason"]
    assert "0.0.0.0:5000" in error["hint"]


def test_the_wrong_port(project: Project) -> None:
    """Both ports are named, and both ways out; the setting alone mends it."""
    source = _SERVER + 'HTTPServer(("", 8123), Page).serve_forever()\n'

    error = cause_of(project, source=source, timeout=5)

    assert error["cause"] == "wrong-port"
    assert "listens on port 8123, but the settings (and $PORT) say port 5000" in error["reason"]
    assert "port: 8123 under apps.web" in error["hint"]
    assert "$PORT" in error["hint"]
    project.write(source=source, settings="port: 8123")
    assert project.invoke("build", "--version", "1", "smoke").code == 0


def test_out_of_memory(project: Project) -> None:
    """A process that the kernel kills at its limit is told with the limit and the setting that raises it."""
    error = cause_in_time(project, 2, at_start="bytearray(400 * 1024 * 1024)", settings="memory: 24m")

    assert error["cause"] == "out-of-memory"
    assert "limit of 24 MiB" in error["reason"]
    assert error["hint"].startswith("memory: 48m under apps.web in invoke.yaml")


def test_a_worker_that_is_killed_for_memory(project: Project) -> None:
    """The limit is named although the master lives, when it says that its worker was killed.

    The master is no gunicorn, which no base image of the tests has: it prints gunicorn's words.
    """
    source = (
        "import os, sys, time\n"
        "while True:\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        hoard = bytearray(400 * 1024 * 1024)\n"
        "    _, status = os.waitpid(pid, 0)\n"
        "    if status == 9:  # as gunicorn says it\n"
        "        print(f'[ERROR] Worker (pid:{pid}) was sent SIGKILL! Perhaps out of memory?', flush=True)\n"
        "    time.sleep(0.3)\n"
    )

    error = cause_of(project, source=source, settings="memory: 24m", timeout=5)

    assert error["cause"] == "out-of-memory"
    assert "worker was killed" in error["reason"] or "the kernel killed it" in error["reason"]
    assert "24 MiB" in error["reason"]


def test_a_write_to_the_read_only_root(project: Project) -> None:
    """The path is named, and the setting that makes its folder writable; with it the same image passes."""
    write = "os.makedirs('/var/cache/page', exist_ok=True); open('/var/cache/page/log', 'w').close()"

    error = cause_of(project, at_start=write, more="RUN mkdir -p /var/cache/page")

    assert error["cause"] == "read-only-root"
    assert "/var/cache/page/log" in error["reason"]
    assert error["hint"].startswith("tmpfs: [/var/cache/page] under apps.web in invoke.yaml")
    project.write(at_start=write, more="RUN mkdir -p /var/cache/page", settings="tmpfs: [/var/cache/page]")
    assert project.invoke("smoke").code == 0


def test_a_write_when_asked(project: Project) -> None:
    """An app that answers 500 because it cannot write is told of the root, not of its status."""
    request = "open('/srv/visits', 'a').close()"

    error = cause_of(project, at_request=request, timeout=5)

    assert error["cause"] == "read-only-root"
    assert "tmpfs: [/srv]" in error["hint"]


@pytest.fixture
def processors(project: Project, client: docker.DockerClient) -> tuple[str, str]:
    """The engine's platform and another one, for which the project has a program `server`."""
    own = f"linux/{client.version()['Arch']}"
    other, machine = ("linux/arm64", 0xB7) if own == "linux/amd64" else ("linux/amd64", 0x3E)
    head = bytes([0x7F, *b"ELF", 2, 1, 1, *bytes(9), 2, 0, machine, 0, 1, *bytes(43)])
    (project.folder / "server").write_bytes(head)
    (project.folder / "server").chmod(0o755)
    return own, other


def test_a_program_for_another_processor(project: Project, processors: tuple[str, str]) -> None:
    """What the kernel cannot run is told as that."""
    own, other = processors

    error = cause_of(project, more="COPY server /server", command='["/server"]')

    assert error["cause"] == "wrong-architecture"
    assert f"/server does not run on {own}: it was compiled for {other}" in error["reason"]


def test_an_image_for_another_processor(project: Project, processors: tuple[str, str]) -> None:
    """An image that is wholly for another platform is told by both platforms, with the build that mends it."""
    own, other = processors
    (project.folder / "Dockerfile").write_text('FROM scratch\nCOPY server /server\nCMD ["/server"]\n')
    assert project.invoke("build", "--version", "1", "--platform", other).code == 0

    done = project.invoke("smoke", "--json")

    failed(done)
    error = done.document["steps"][-1]["error"]
    assert (error["cause"], error["hint"]) == ("wrong-architecture", f"invoke build --platform {own} smoke")
    assert f"the image is for {other}, but the engine runs {own}" in error["reason"]


def test_a_command_that_is_not_there(project: Project) -> None:
    """The program is named with the CMD that asks for it."""
    error = cause_in_time(project, 2, command='["gunicorn", "app:app"]')

    assert error["cause"] == "command-not-found"
    assert "gunicorn is not in the image" in error["reason"]
    assert "gunicorn app:app" in error["hint"]


def test_a_shells_command_that_is_not_there(project: Project) -> None:
    """In shell form the shell says it."""
    error = cause_of(project, command="server --all")

    assert error["cause"] == "command-not-found"
    assert "the program server is not in the image" in error["reason"]


def test_a_script_whose_command_is_not_there(project: Project) -> None:
    """A script that starts the app says it with its own name."""
    (project.folder / "entry.sh").write_text("#!/bin/sh\nset -e\nenvsubst\n")
    (project.folder / "entry.sh").chmod(0o755)

    error = cause_of(project, more="COPY entry.sh /entry.sh", command='["/entry.sh"]')

    assert error["cause"] == "command-not-found"
    assert "the program envsubst is not in the image" in error["reason"]


def test_a_program_that_the_app_runs(project: Project) -> None:
    """A program that the app itself starts is no file to copy."""
    error = cause_of(project, at_start="import subprocess; subprocess.run(['ffmpeg'])")

    assert error["cause"] == "command-not-found"
    assert error["hint"].startswith("install ffmpeg in the Dockerfile")


def test_a_module_that_cmd_names_and_nobody_installed(project: Project) -> None:
    """What `python3 -m` cannot find is told as a module, although there is no traceback."""
    error = cause_of(project, command='["python3", "-m", "flask", "run"]')

    assert error["cause"] == "missing-module"
    assert "the module flask is missing" in error["reason"]


def test_a_file_that_cmd_names_and_is_not_there(project: Project) -> None:
    """A script that was not copied is told by its path."""
    error = cause_of(project, command='["python3", "/srv/page.py"]')

    assert error["cause"] == "command-not-found"
    assert "no /srv/page.py in the image" in error["reason"]


def test_a_script_that_may_not_be_run(project: Project) -> None:
    """A CMD without the right to be run is told apart from one that is not there."""
    error = cause_of(project, command='["/app.py"]', more="RUN chmod 644 /app.py")

    assert error["cause"] == "permission-denied"
    assert "/app.py is not executable" in error["reason"]
