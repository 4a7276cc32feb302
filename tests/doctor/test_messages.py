"""The wording of the doctor's findings, each sentence once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seatrial.doctor.doctor import findings
from tests.doctor.test_doctor import _save_config, _subject
from tests.engine.memory.engine import MemoryEngine

HUB = "https://index.docker.io/v1/"
FIX = "fix the file, or move it away and log in again: mv {0} {0}.broken"


def _all_well(folder: Path) -> None:
    _save_config(folder, json.dumps({"auths": {HUB: {"auth": "YWxpY2U6eA=="}}}))


def _all_bad(folder: Path) -> None:
    _save_config(folder, "[]")
    (folder / ".dockerignore").unlink()
    (folder / "Dockerfile").unlink()


def _another_login(folder: Path) -> None:
    _save_config(folder, json.dumps({"auths": {HUB: {"auth": "Ym9iOng="}}}))
    (folder / ".dockerignore").unlink()
    (folder / "Dockerfile").write_text("FROM python:3.13-slim\nHEALTHCHECK NONE\nCMD a\n")


@pytest.mark.parametrize(
    ("arrange", "expected"),
    [
        (
            _all_well,
            [
                ("base image", "python:3.13-slim is in the engine", ""),
                ("port", "port PORT is free", ""),
                ("registry", "no registry answers at localhost:PORT, and none is needed", ""),
                ("config", "DIR/docker/config.json can be read", ""),
                ("login", "logged in at docker.io as alice; images go to alice/", ""),
                ("Dockerfile", "DIR/Dockerfile: no problems found", ""),
                (
                    "git",
                    "DIR is not in any commit: the version is dev, and the image has no commit label",
                    "git init && git add -A && git commit, or give --version",
                ),
            ],
        ),
        (
            _all_bad,
            [
                (
                    "config",
                    "Docker's configuration DIR/docker/config.json is damaged: it does not hold a JSON object",
                    FIX.format("DIR/docker/config.json"),
                ),
                (
                    "Dockerfile",
                    "the Dockerfile DIR/Dockerfile cannot be read: the file does not exist",
                    "write one, or fix dockerfile in invoke.yaml",
                ),
            ],
        ),
        (
            _another_login,
            [
                (
                    "login",
                    "logged in at docker.io as bob, but images go to alice/, where only members of alice may push",
                    "invoke login --user alice (or the setting user: bob)",
                ),
                (
                    "Dockerfile",
                    "Dockerfile:1: there is no USER: the app runs as root, unless the base image sets another user",
                    "USER 10001:10001 before CMD",
                ),
                (
                    "Dockerfile",
                    "Dockerfile:2: there is no HEALTHCHECK: the engine does not notice when the app hangs",
                    'HEALTHCHECK CMD ["python", "check.py"]',
                ),
            ],
        ),
    ],
    ids=["all well", "all bad", "another login"],
)
def test_findings(
    arrange: object, expected: list[tuple[str, str, str]], tmp_path: Path, engine: MemoryEngine, free_port: int
) -> None:
    """Each finding has its reason and hint."""
    subject = _subject(tmp_path, engine, free_port, user="alice")
    assert callable(arrange)
    arrange(tmp_path)

    found = [
        (one.check, *(_neutral(text, tmp_path, free_port) for text in (one.reason, one.hint)))
        for one in findings(subject)
    ]

    assert [one for one in expected if one not in found] == []


def _neutral(text: str, folder: Path, port: int) -> str:
    return text.replace(str(folder), "DIR").replace(str(port), "PORT")
