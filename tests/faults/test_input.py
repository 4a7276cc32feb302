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
    ("words", "hint"),
    [
        *((f"{command} --version=.1", f"{command} --version 1") for command in ("build", "release")),
        ("history --version=1.0+b", "history --version 1.0-b"),
        ("tag --user=Alice", "tag --user alice"),
        ("tag --user=", "tag --user NAME"),
        *((f"{command}", f"{command} --user NAME") for command in ("login", "push")),
        ("login --user=demo --registry=https://ghcr.io", "login --registry ghcr.io"),
        ("push --user=demo --registry=h:0", "push --registry h:5000"),
        (f"run --port={FULL_WIDTH}", "run --port 5000"),
        ("run --port=65536", "run --port 5000"),
        ("run --memory=1k", "run --memory 512m"),
        ("run --env=A", "run --env NAME=VALUE"),
        ("build --build-arg==x", "build --build-arg NAME=VALUE"),
        ("build --platform=linux", "build --platform linux/amd64"),
        ("push --user=demo --lock-wait=soon", "push --lock-wait 600"),
        ("login --user=demo", "login --user demo --password-stdin"),
        *((f"{command} --app wep", f"{command} --app web") for command in ("run", "logs")),
    ],
)
def test_bad_words(folder: Path, words: str, hint: str) -> None:
    """A flag's value that is missing or not valid is refused, and what is probably meant can be typed."""
    assert refusal(folder, *words.split()).hint.startswith(f"invoke {hint}")


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_login_with_a_password_that_is_not_utf8(monkeypatch: pytest.MonkeyPatch, errors: str) -> None:
    """A password that is not UTF-8 is refused as that, in every locale."""
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"S3ntinel\xff"), "utf-8", errors))
    with pytest.raises(UsageError, match="it is not UTF-8") as caught:
        ask_credential("demo", "r.io", from_stdin=True)
    assert "S3ntinel" not in repr(vars(caught.value))


def test_secret_that_the_environment_lacks(folder: Path) -> None:
    """A build secret from a variable that is not set is refused before the build."""
    (folder / "invoke.yaml").write_text("seatrial: {apps: {web: {build_secrets: {token: env=UNSET_TOKEN}}}}\n")
    assert "UNSET_TOKEN is not set" in refusal(folder, "build", "--version", "1").reason
    assert invoke(folder, "build", "--version", "1", UNSET_TOKEN="x").returncode == 3, "only the engine is missing"


def test_which_app(folder: Path) -> None:
    """If the settings have several apps, one must be named."""
    (folder / "invoke.yaml").write_text("seatrial:\n  apps:\n    web: {}\n    api: {}\n")
    refused = refusal(folder, "logs")
    assert all(app in refused.reason for app in ("api", "web"))
    assert refused.hint == "invoke logs --app api"


def test_refusal_as_json(folder: Path) -> None:
    """With --json a refusal is a JSON document."""
    done = invoke(folder, "build", "--version=.1", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], document["steps"]) == (2, 2, [])
    assert document["error"]["hint"] == "invoke build --version 1"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("invoke.yaml", "seatrial: {apps: {web: {context: src}}}", "src"),
        ("invoke.yaml", "seatrial: {apps: {web: {context: app.py}}}", "app.py"),
        ("Dockerfile", None, "Dockerfile"),
        ("Dockerfile", "ARG X=1\n", "Dockerfile:1"),
        (".dockerignore", "*.pyc\n[a-\n", ".dockerignore:2"),
    ],
)
def test_bad_files(folder: Path, name: str, text: str | None, place: str) -> None:
    """A context, a Dockerfile and a pattern that are not there or not valid are named before any request."""
    (folder / name).unlink(missing_ok=True)
    if text is not None:
        (folder / name).write_text(text)
    assert f"{folder}/{place}" in "\n".join(refused_step(folder, "build", "--version", "1"))
