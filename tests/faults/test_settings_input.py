"""A bad settings file is refused with file and line by each program, before any request to the engine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli_project import make_project
from tests.faults.test_input import INVOKE, Refusal, invoke, refusal

VALID = "seatrial:\n  project: demo\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The valid settings file of a tiny project."""
    return make_project(tmp_path / "project", name="demo", base="python", port=5000).folder / "invoke.yaml"


def seatrial(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program `seatrial` in a folder without an engine."""
    return invoke(folder, *words, program=INVOKE.replace("invoke", "seatrial"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seatrial:\n  user: [x\n", 3),
        ("seatrial:\n  user: {}\n", 2),
        (f"seatrial: {'[' * 1000}\n", 0),
    ],
)
def test_damaged(file: Path, text: str, line: int) -> None:
    """A file that Invoke cannot read or merge fails with its line, even for --list, and in the program `seatrial`."""
    file.write_text(text)
    refused = refusal(file.parent, "--list")
    assert refused.reason.startswith(f"{file}:{line or ''}")
    done = seatrial(file.parent, "images")
    assert (done.returncode, Refusal.of(done.stderr)) == (2, refused)


def test_a_pipe(file: Path) -> None:
    """A pipe in the file's place is refused without waiting for a writer."""
    file.unlink()
    os.mkfifo(file)
    assert str(file) in refusal(file.parent, "build", "--version", "1").reason


def test_wrong_setting(file: Path) -> None:
    """A setting that is not valid fails with its line."""
    file.write_text("seatrial:\n  apps:\n    web:\n      environment:\n        A: $UNSET_WORD\n")
    refused = refusal(file.parent, "build", "--version", "1")
    assert refused.message == "the setting seatrial.apps.web.environment.A is not valid"
    assert refused.reason.startswith(f"{file}:5: ")
    assert refused.hint.startswith("set UNSET_WORD")


def test_named_file_is_read(file: Path) -> None:
    """A settings file that -f or the environment names must exist; it overrides the project's own."""
    assert "other.yaml" in refusal(file.parent, "build", "-f", "other.yaml").reason
    assert "other.yaml" in refusal(file.parent, "build", INVOKE_RUNTIME_CONFIG="other.yaml").reason
    (file.parent / "other.yaml").write_text("seatrial:\n  user: Alice\n")
    assert refusal(file.parent, "-f", "other.yaml", "tag").reason.startswith("other.yaml:2: 'Alice'")
    for text, line in (("seatrial:\n  apps: [web]\n", 2), ("seatrial:\n  user: [x\n", 3)):
        (file.parent / "other.yaml").write_text(text)
        refused = refusal(file.parent, "tag", "-f", "other.yaml")
        assert refused.reason.startswith(f"other.yaml:{line}: ")
        done = seatrial(file.parent, "-f", "other.yaml", "tag")
        assert (done.returncode, Refusal.of(done.stderr)) == (2, refused)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfseatrial:\r\n  project: demo\r\n", None])
def test_valid(file: Path, content: bytes | None) -> None:
    """A BOM, Windows line endings and no file at all are valid."""
    file.unlink() if content is None else file.write_bytes(content)
    assert invoke(file.parent, "build", "--version", "1").returncode == 3, "only the engine is missing"


@pytest.mark.parametrize("name", ["invoke.yml", "invoke.json"])
def test_other_names(file: Path, name: str) -> None:
    """Settings may be in invoke.yml or invoke.json, also seen from a folder below; lines are named."""
    file.unlink()
    other = file.with_name(name)
    other.write_text('{"seatrial": {\n\t"user": "Alice"}}' if name.endswith("json") else "seatrial:\n  user: Alice\n")
    below = file.parent / "deep" / "below"
    below.mkdir(parents=True)
    (below / "Dockerfile").touch()
    assert refusal(below, "tag").reason.startswith(f"{other}:2: 'Alice'")
    assert f"{other}:2: 'Alice'" in re.sub(r"\n +", " ", seatrial(below, "tag").stderr)


@pytest.mark.parametrize("foreign", ["run:\n  echo: false\n", "pip: [", VALID])
def test_another_projects_file(tmp_path: Path, foreign: str) -> None:
    """A settings file further up counts only if it has settings of ours; the Dockerfile here wins over another."""
    (tmp_path / "invoke.yaml").write_text(foreign)
    below = tmp_path / "services" / "web"
    below.mkdir(parents=True)
    for folder in (tmp_path, below):
        (folder / "Dockerfile").write_text("RUN true\n")
    done = seatrial(below, "build", "--version", "1")
    root = tmp_path if foreign == VALID else below
    assert f"{root}/Dockerfile:1" in done.stdout


def test_an_environment(file: Path) -> None:
    """SEATRIAL_ENV and -f merge the same file over the project's; an error and its hint name the right one."""
    file.write_text("seatrial:\n  user: Alice\n  registry: localhost:1\n")
    staging = file.with_name("invoke.staging.yaml")
    staging.write_text("seatrial:\n  apps:\n    web: {host_port: 70000}\n")
    assert refusal(file.parent, "push", SEATRIAL_ENV="staging").reason.startswith(f"{file}:2: 'Alice'")
    assert refusal(file.parent, "-f", staging.name, "push").reason.startswith(f"{file}:2: 'Alice'")
    file.write_text("seatrial: {registry: localhost:1}\n")
    assert refusal(file.parent, "push", SEATRIAL_ENV="staging").reason.startswith(f"{staging}:3: ")
    staging.write_text("seatrial: {}\n")
    hint = "push --user NAME (your Docker ID on Docker Hub)"
    assert refusal(file.parent, "push", SEATRIAL_ENV="staging").hint == f"SEATRIAL_ENV=staging invoke {hint}"
    done = seatrial(file.parent, "--environment", "staging", "push")
    assert Refusal.of(done.stderr).hint == f"seatrial --environment staging {hint}"


def test_an_environment_that_is_not_there(file: Path) -> None:
    """An environment without a file, or two at once, are wrong use before anything is done."""
    file.with_name("invoke.staging.yaml").write_text("seatrial: {}\n")
    assert refusal(file.parent, "build", SEATRIAL_ENV="stagin").reason.endswith(" are staging")
    assert "invoke.staging.yaml" in refusal(file.parent, "-f", "invoke.stagin.yaml", "build").reason
    two = refusal(file.parent, "-f", "invoke.staging.yaml", "build", SEATRIAL_ENV="production")
    assert two.message == "two environments are chosen: staging and production"
