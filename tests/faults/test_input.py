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

from seatrial.cli.password import ask_credential
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
    return make_project(tmp_path / "project", name="demo", base="python", port=5000).folder


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


def refusal(folder: Path, *words: str, **environment: str) -> Refusal:
    """Run a command that must be refused at once with exit code 2 and without any change; return its three lines."""
    before = listing(folder)
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = invoke(folder, *words, **environment)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    everything = done.stdout + done.stderr
    assert done.returncode == 2, everything
    assert "Traceback" not in everything
    assert NO_ENGINE not in everything
    refused = Refusal.of(done.stderr)
    assert ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime < MOST_WORK
    assert listing(folder) == before
    return refused


def test_valid_input_reaches_the_engine(folder: Path) -> None:
    """Valid input fails only because of the missing engine, so the other tests are meaningful."""
    done = invoke(folder, "build", "--version", "1")
    assert done.returncode == 3
    assert NO_ENGINE in done.stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("release --version=.1", "release --version 1"),
        ("tag --user=Alice", "tag --user alice"),
        ("push", "push --user NAME"),
        ("login --user=demo --registry=https://ghcr.io", "login --registry ghcr.io"),
        (f"run --port={FULL_WIDTH}", "run --port 5000"),
        ("build --build-arg==x", "build --build-arg NAME=VALUE"),
        ("build --build-context=assets", "build --build-context NAME=FOLDER"),
        ("build --platform=linux", "build --platform linux/amd64"),
        ("login --user=demo", "login --user demo --password-stdin"),
        ("logs --app wep", "logs --app web"),
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


@pytest.mark.parametrize("from_stdin", [True, False])
def test_login_with_a_closed_input(monkeypatch: pytest.MonkeyPatch, *, from_stdin: bool) -> None:
    """Without standard input there is no password."""
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="no password for demo"):
        ask_credential("demo", "r.io", from_stdin=from_stdin)


def test_secret_that_the_environment_lacks(folder: Path) -> None:
    """A build secret from a variable that is not set is refused before the build."""
    (folder / "invoke.yaml").write_text("seatrial: {apps: {web: {build_secrets: {token: env=UNSET_TOKEN}}}}\n")
    assert "UNSET_TOKEN is not set" in refusal(folder, "build", "--version", "1").reason


def test_refusal_as_json(folder: Path) -> None:
    """With --json a refusal is a JSON document."""
    done = invoke(folder, "build", "--version=.1", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], document["steps"]) == (2, 2, [])
    assert document["error"]["hint"] == "invoke build --version 1"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("invoke.yaml", "seatrial: {apps: {web: {context: app.py}}}", "app.py"),
        ("Dockerfile", "ARG X=1\n", "Dockerfile:1"),
        (".dockerignore", "*.pyc\n[a-\n", ".dockerignore:2"),
    ],
)
def test_bad_files(folder: Path, name: str, text: str, place: str) -> None:
    """A context, a Dockerfile and a pattern that are not valid are named before any request."""
    (folder / name).write_text(text)
    before = listing(folder)
    done = invoke(folder, "build", "--version", "1", "--json")
    assert done.returncode == 2, done.stderr
    (step,) = json.loads(done.stdout)["steps"]
    error = [step["error"][part] for part in Refusal._fields]
    assert f"{folder}/{place}" in "\n".join(error)
    assert all(part in done.stderr for part in error)
    assert listing(folder) == before


@pytest.mark.parametrize(("task", "most"), [("doctor", 7), ("build", 5)])
def test_few_open_files(folder: Path, task: str, most: int) -> None:
    """A limit of open files is the reason, whatever could not be opened, even where nothing more can be loaded."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    done = invoke(folder, "-c", f"ulimit -n {most}; exec {INVOKE} {task}", program="sh")
    everything = done.stdout + done.stderr
    assert done.returncode == 3, everything
    assert "Traceback" not in everything
    assert "ulimit -n" in everything
