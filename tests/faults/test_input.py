"""Bad arguments are refused before any request to the engine, in three lines, with exit code 2."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import pytest

from seatrial.cli.command import ask_credential
from seatrial.errors import UsageError
from tests.cli_project import make_project

INVOKE = str(Path(sys.executable).parent / "invoke")
NO_ENGINE = "unix:///nonexistent/docker.sock"
MOST_WORK = 1.5
"""Seconds of processor time: other tests on this machine do not count."""
FULL_WIDTH = "\uff11.\uff10"  # digits to str.isdigit, and to no registry


class Refusal(NamedTuple):
    """The three parts of an error."""

    message: str
    reason: str
    hint: str

    @classmethod
    def of(cls, text: str) -> Refusal:
        """Return the error that these lines show."""
        lines = re.fullmatch(r"failed +(\S.*)\n +\w+: +(\S.*)\n +\w+: +(\S.*)\n", text)
        assert lines, text
        return cls(*lines.groups())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny project where every request to the engine fails with exit code 3."""
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder, name="demo", base="python", port=5000)
    return folder


def invoke(folder: Path, *words: str, program: str = INVOKE, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder without an engine, for at most 20 seconds."""
    return subprocess.run(
        [program, *words],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": NO_ENGINE, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Return every path in a folder with its size and modification time."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def cpu_seconds() -> float:
    """Return the processor time that the commands of this process have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def refusal(folder: Path, *words: str, **environment: str) -> Refusal:
    """Run a command that must be refused at once with exit code 2 and without any change; return its three lines."""
    before = listing(folder)
    began = cpu_seconds()
    done = invoke(folder, *words, **environment)
    seconds = cpu_seconds() - began
    everything = done.stdout + done.stderr
    assert done.returncode == 2, everything
    assert "Traceback" not in everything
    assert NO_ENGINE not in everything
    refused = Refusal.of(done.stderr)
    assert seconds < MOST_WORK
    assert listing(folder) == before
    return refused


def refused_step(folder: Path, *words: str) -> Refusal:
    """Run a command whose first step must refuse its input; return the error."""
    before = listing(folder)
    done = invoke(folder, *words, "--json")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (step,) = json.loads(done.stdout)["steps"]
    assert step["status"] == "failed"
    assert listing(folder) == before
    error = Refusal(*(step["error"][part] for part in Refusal._fields))
    assert all(part in done.stderr for part in error)
    return error


def test_valid_input_reaches_the_engine(folder: Path) -> None:
    """Valid input fails only because of the missing engine, so the other tests are meaningful."""
    done = invoke(folder, "build", "--version", "1")
    assert done.returncode == 3
    assert NO_ENGINE in done.stdout


@pytest.mark.parametrize(
    ("version", "nearest"),
    [
        ("", "1"),
        (" 1", "1"),
        ("1\n", "1"),
        ("-1", "1"),
        (".1", "1"),
        ("1.0+b", "1.0-b"),
        ("v" * 129, "v" * 128),
        (FULL_WIDTH, "1"),
        ("1:0", "1-0"),
    ],
)
@pytest.mark.parametrize("command", ["build", "run"])
def test_bad_version(folder: Path, command: str, version: str, nearest: str) -> None:
    """A version that is not a valid tag is refused, and the nearest valid one is proposed."""
    assert refusal(folder, command, f"--version={version}").hint == f"invoke {command} --version {nearest}"


@pytest.mark.parametrize("command", ["smoke", "release", "history"])
def test_bad_version_everywhere(folder: Path, command: str) -> None:
    """Every command that takes a version checks it first."""
    assert "'.1'" in refusal(folder, command, "--version=.1").message


@pytest.mark.parametrize(
    ("user", "proposed"),
    [
        ("Alice", "alice"),
        ("localhost", "NAME"),
        ("../x", "x"),
        ("", "NAME"),
        ("x" * 256, "x" * 30),
    ],
)
def test_bad_user(folder: Path, user: str, proposed: str) -> None:
    """An invalid user name, or one that looks like a registry's host, is refused."""
    refused = refusal(folder, "tag", f"--user={user}")
    assert f"'{user[:50]}" in refused.message
    assert refused.hint == f"invoke tag --user {proposed}"


@pytest.mark.parametrize("command", ["login", "tag", "push", "release"])
def test_no_user(folder: Path, command: str) -> None:
    """The user of an image is never guessed."""
    refused = refusal(folder, command)
    assert "--user" in refused.reason
    assert f"invoke {command} --user NAME" in refused.hint


@pytest.mark.parametrize("command", ["login", "push"])
def test_bad_registry(folder: Path, command: str) -> None:
    """A registry is a host: a URL is refused, and the host in it proposed."""
    refused = refusal(folder, command, "--user=demo", "--registry=https://ghcr.io")
    assert "'https://ghcr.io'" in refused.message
    assert f"invoke {command} --registry ghcr.io" in refused.hint


@pytest.mark.parametrize("port", ["", "0", "-1", "65536", "http", "5000.0", " 80", FULL_WIDTH])
def test_bad_port(folder: Path, port: str) -> None:
    """A port is a number from 1 to 65535."""
    refused = refusal(folder, "run", f"--port={port}")
    assert f"'{port}'" in refused.message
    assert "65535" in refused.reason
    assert refused.hint == "invoke run --port 5000"


def test_login_without_password(folder: Path) -> None:
    """Without a terminal, the hint is how to give the password."""
    assert "--password-stdin" in refusal(folder, "login", "--user=demo").hint


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_login_with_a_password_that_is_not_utf8(monkeypatch: pytest.MonkeyPatch, errors: str) -> None:
    """A password that is not UTF-8 is refused as that, in every locale."""
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"S3ntinel\xff"), "utf-8", errors))
    with pytest.raises(UsageError, match="it is not UTF-8") as caught:
        ask_credential("demo", "r.io", from_stdin=True)
    assert "S3ntinel" not in repr(vars(caught.value))


@pytest.mark.parametrize("command", ["build", "run", "stop", "logs", "smoke"])
def test_unknown_app(folder: Path, command: str) -> None:
    """An app that is not in the settings is refused, and the nearest one is proposed."""
    refused = refusal(folder, command, "--app", "wep")
    assert "'wep'" in refused.message
    assert refused.hint == f"invoke {command} --app web"


@pytest.mark.parametrize("command", ["build", "run", "stop", "logs", "smoke"])
def test_which_app(folder: Path, command: str) -> None:
    """If the settings have several apps, one must be named."""
    (folder / "invoke.yaml").write_text("seatrial:\n  apps:\n    web: {}\n    api: {}\n")
    refused = refusal(folder, command)
    assert all(app in refused.reason for app in ("api", "web"))
    assert refused.hint == f"invoke {command} --app api"


def test_refusal_as_json(folder: Path) -> None:
    """With --json a refusal is a JSON document."""
    done = invoke(folder, "build", "--version=.1", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], document["steps"]) == (2, 2, [])
    assert document["error"]["hint"] == "invoke build --version 1"


def test_no_app_folder(folder: Path) -> None:
    """A context that does not exist is named."""
    (folder / "invoke.yaml").write_text("seatrial:\n  apps:\n    web: {context: src}\n")
    assert f"{folder}/src" in refused_step(folder, "build", "--version", "1").message


def test_app_folder_is_a_file(folder: Path) -> None:
    """A context that is a file is named."""
    (folder / "invoke.yaml").write_text("seatrial:\n  apps:\n    web: {context: app.py}\n")
    assert f"{folder}/app.py" in refused_step(folder, "build", "--version", "1").message


def test_no_dockerfile(folder: Path) -> None:
    """A missing Dockerfile is found before any request to the engine."""
    (folder / "Dockerfile").unlink()
    assert f"{folder}/Dockerfile" in refused_step(folder, "build", "--version", "1").message


@pytest.mark.parametrize("text", ["", "# words only\n", "ARG X=1\n", "RUN true\n"])
def test_dockerfile_without_from(folder: Path, text: str) -> None:
    """A Dockerfile without FROM is refused with its path and line."""
    (folder / "Dockerfile").write_text(text)
    refused = "\n".join(refused_step(folder, "build", "--version", "1"))
    assert f"{folder}/Dockerfile:1" in refused
    assert "FROM" in refused


def test_malformed_dockerignore(folder: Path) -> None:
    """An invalid pattern is named with file, line and pattern."""
    (folder / ".dockerignore").write_text("*.pyc\n[a-\n")
    refused = refused_step(folder, "build", "--version", "1")
    assert f"{folder}/.dockerignore:2" in refused.reason
    assert "'[a-'" in refused.reason
    assert f"{folder}/.dockerignore" in refused.hint
