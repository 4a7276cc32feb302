"""Wrong words on the command line: refused before the engine is spoken to, in three parts, with exit code 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli_project import make_project

INVOKE = str(Path(sys.executable).parent / "invoke")
NO_ENGINE = "unix:///nonexistent/docker.sock"
LONGEST_WAIT = 1.5
FULL_WIDTH = "\uff11.\uff10"  # digits to str.isdigit, and to no registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny project; whoever speaks to the engine from here gets exit code 3."""
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder, name="demo", base="python", port=5000)
    return folder


def invoke(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `invoke` in a folder where no engine answers; one that hangs is killed."""
    return subprocess.run(
        [INVOKE, *words],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": NO_ENGINE, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Return all that is in a folder, with size and time of the last change."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def refusal(folder: Path, *words: str, **environment: str) -> str:
    """Run what must be refused and give its words: exit code 2 at once, three parts, nothing touched."""
    before = listing(folder)
    began = time.monotonic()
    done = invoke(folder, *words, **environment)
    seconds = time.monotonic() - began
    everything = done.stdout + done.stderr
    assert done.returncode == 2, everything
    assert "Traceback" not in everything
    assert NO_ENGINE not in everything
    lines = [line.strip() for line in done.stderr.splitlines()]
    assert [line.partition(" ")[0] for line in lines] == ["failed", "why:", "next:"], done.stderr
    assert all(line.partition(" ")[2].strip() for line in lines), done.stderr
    assert seconds < LONGEST_WAIT
    assert listing(folder) == before
    return done.stderr


def refused_step(folder: Path, *words: str) -> str:
    """Run what a step must refuse as it looks, and give the error's words; the whole report is JSON."""
    before = listing(folder)
    done = invoke(folder, *words, "--json")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert all(f"\n{' ' * 18}{part}" in done.stderr for part in ("why:  ", "next: "))
    (step,) = json.loads(done.stdout)["steps"]
    assert step["status"] == "failed"
    assert listing(folder) == before
    error = step["error"]
    return f"{error['what']}\n{error['reason']}\n{error['next']}"


def test_without_fault_the_engine_is_asked(folder: Path) -> None:
    """With nothing wrong in the input the missing engine is what ends the command: the other tests prove something."""
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
    """A version that cannot be a tag is refused, and the nearest one that can be is proposed."""
    assert refusal(folder, command, f"--version={version}").endswith(f"next: invoke {command} --version {nearest}\n")


@pytest.mark.parametrize("command", ["smoke", "release", "history"])
def test_bad_version_everywhere(folder: Path, command: str) -> None:
    """Every command that takes a version looks at it first."""
    assert "'.1' is not a valid version" in refusal(folder, command, "--version=.1")


@pytest.mark.parametrize(
    ("user", "proposed"),
    [
        ("Alice", "alice"),
        ("a.b", "a-b"),
        ("localhost", "NAME"),
        ("h:5000", "h-5000"),
        ("../x", "x"),
        ("u/v", "u-v"),
        ("", "NAME"),
        ("x" * 256, "x" * 30),
    ],
)
def test_bad_user(folder: Path, user: str, proposed: str) -> None:
    """What cannot be a user's name, or would be read as a registry's host, is refused."""
    words = refusal(folder, "tag", f"--user={user}")
    assert "is not a valid user name" in words
    assert words.endswith(f"next: invoke tag --user {proposed}\n")


@pytest.mark.parametrize("command", ["login", "tag", "push", "release"])
def test_no_user(folder: Path, command: str) -> None:
    """Whose name an image gets is never guessed."""
    words = refusal(folder, command)
    assert "neither --user nor the setting user says so" in words
    assert f"invoke {command} --user NAME" in words


@pytest.mark.parametrize("registry", ["https://x", "https://ghcr.io", "x", "a/b", "h:99999", "h:0", ""])
@pytest.mark.parametrize("command", ["login", "push"])
def test_bad_registry(folder: Path, command: str, registry: str) -> None:
    """A registry is a host; an address of a web page, a bare word or an impossible port is refused."""
    words = refusal(folder, command, "--user=demo", f"--registry={registry}")
    assert f"'{registry}' is not a valid registry" in words
    assert f"invoke {command} --registry {'ghcr.io' if 'ghcr' in registry else 'localhost:5050'}" in words


@pytest.mark.parametrize("port", ["", "0", "-1", "65536", "http", "5000.0", " 80", FULL_WIDTH])
def test_bad_port(folder: Path, port: str) -> None:
    """A port is a number from 1 to 65535."""
    words = refusal(folder, "run", f"--port={port}")
    assert "a port is a number from 1 to 65535" in words
    assert words.endswith("next: invoke run --port 5000\n")


def test_login_without_password(folder: Path) -> None:
    """Where there is no terminal to ask at, the way to give a password is told."""
    assert "--password-stdin" in refusal(folder, "login", "--user=demo")


@pytest.mark.parametrize("command", ["build", "run", "stop", "logs", "smoke"])
def test_unknown_app(folder: Path, command: str) -> None:
    """An app that the settings do not know is refused, and the nearest one proposed."""
    words = refusal(folder, command, "--app", "wep")
    assert "there is no app 'wep'" in words
    assert words.endswith(f"next: invoke {command} --app web\n")


@pytest.mark.parametrize("command", ["build", "run", "stop", "logs", "smoke"])
def test_which_app(folder: Path, command: str) -> None:
    """Where there are several apps one must be named."""
    (folder / "invoke.yaml").write_text("seatrial:\n  apps:\n    web: {}\n    api: {}\n")
    words = refusal(folder, command)
    assert "this project has api, web" in words
    assert words.endswith(f"next: invoke {command} --app api\n")


def test_refusal_as_json(folder: Path) -> None:
    """With --json a refusal is a document, too."""
    done = invoke(folder, "build", "--version=.1", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], document["steps"]) == (2, 2, [])
    assert document["error"]["hint"] == "invoke build --version 1"


def test_no_app_folder(folder: Path) -> None:
    """A context that is no folder is named."""
    (folder / "invoke.yaml").write_text("seatrial:\n  apps:\n    web: {context: src}\n")
    assert f"there is no app folder {folder}/src" in refused_step(folder, "build", "--version", "1")


def test_app_folder_is_a_file(folder: Path) -> None:
    """A context that is a file is no folder either."""
    (folder / "invoke.yaml").write_text("seatrial:\n  apps:\n    web: {context: app.py}\n")
    assert f"there is no app folder {folder}/app.py" in refused_step(folder, "build", "--version", "1")


def test_no_dockerfile(folder: Path) -> None:
    """A Dockerfile that is missing is found missing here, not by the engine."""
    (folder / "Dockerfile").unlink()
    words = refused_step(folder, "build", "--version", "1")
    assert f"the Dockerfile {folder}/Dockerfile cannot be read\nthere is no such file" in words


@pytest.mark.parametrize("text", ["", "# words only\n", "ARG X=1\n", "RUN true\n"])
def test_dockerfile_without_from(folder: Path, text: str) -> None:
    """A Dockerfile that starts from nothing is refused with its path and line."""
    (folder / "Dockerfile").write_text(text)
    words = refused_step(folder, "build", "--version", "1")
    assert f"{folder}/Dockerfile:1: " in words
    assert "FROM" in words


def test_malformed_dockerignore(folder: Path) -> None:
    """A pattern that Docker would refuse is named with file, line and pattern."""
    (folder / ".dockerignore").write_text("*.pyc\n[a-\n")
    words = refused_step(folder, "build", "--version", "1")
    assert f"{folder}/.dockerignore:2: '[a-'" in words
    assert f"mend line 2 of {folder}/.dockerignore" in words
