"""The repository's chores install their requirements once."""

from __future__ import annotations

import shlex
import sys
import threading
from pathlib import Path

import pytest
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

import tasks
from tests.packaging.distribution import ROOT

# Stands in for the Python of .venv: records its calls, and fails if the file `broken` exists.
_PYTHON = """\
#!/bin/sh
echo "$* ${PIP_TARGET-}" >>"${0%/*}/calls"
sleep 0.2
[ ! -e "${0%/*}/broken" ]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with locks and a .venv that seems to be the venv of this Python."""
    root = tmp_path / "a repository"
    python = root / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(_PYTHON)
    python.chmod(0o755)
    for name in tasks.LOCKS:
        (root / name).write_text(f"# {name}\n")
    monkeypatch.setattr(tasks, "ROOT", root)
    monkeypatch.setattr(tasks, "VENV", root / ".venv")
    monkeypatch.setattr(tasks, "BIN", shlex.quote(str(python.parent)))
    monkeypatch.setattr(sys, "prefix", str(root / ".venv"))
    return root


def _calls(root: Path) -> list[str]:
    file = root / ".venv/bin/calls"
    return file.read_text().splitlines() if file.exists() else []


def test_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first chore installs both locks with their hashes into .venv only; the second only what changed."""
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")

    tasks._equip(Context())
    tasks._equip(Context())

    (call,) = _calls(repository)
    assert call.startswith("-m pip install ")
    assert call.endswith(" --require-hashes -r requirements.txt -r requirements-dev.txt ")
    for count, name in enumerate(tasks.LOCKS, 2):
        (repository / name).write_text("# changed\n")
        tasks._equip(Context())
        assert len(_calls(repository)) == count
    (repository / ".venv/seatrial-dev-stamp").unlink()
    tasks._equip(Context())
    assert len(_calls(repository)) == 4


def test_failing_pip(repository: Path) -> None:
    """If pip fails, the chore exits with 3, a reason and a hint; the next chore tries again."""
    tasks._equip(Context())
    (repository / "requirements-dev.txt").write_text("# changed\n")
    (repository / ".venv/bin/broken").touch()
    with pytest.raises(Exit, match=r"\n  why: .*\n  next: ") as caught:
        tasks._equip(Context())
    assert caught.value.code == 3

    (repository / ".venv/bin/broken").unlink()
    (repository / "requirements-dev.txt").write_text("# requirements-dev.txt\n")
    tasks._equip(Context())
    assert len(_calls(repository)) == 3


def test_two_at_once(repository: Path) -> None:
    """Of two chores that start at the same time, one installs and the other waits for it."""
    both = [threading.Thread(target=tasks._equip, args=(Context(),)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert len(_calls(repository)) == 1


def test_dry_or_in_another_venv(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Invoke's --dry, and in another venv, a chore installs nothing; for the latter the hint is ./inv."""
    tasks._equip(Context(Config(overrides={"run": {"dry": True}})))
    assert _calls(repository) == []
    tasks._equip(Context())
    assert len(_calls(repository)) == 1
    (repository / ".venv/seatrial-dev-stamp").unlink()
    monkeypatch.setattr(sys, "prefix", str(repository.parent))

    with pytest.raises(Exit, match=r"next: \./inv ") as caught:
        tasks._equip(Context())

    assert caught.value.code == 3
    assert len(_calls(repository)) == 1


@pytest.mark.parametrize("name", [*tasks.LOCKS, "app/requirements.txt"])
def test_locks_name_no_index(name: str) -> None:
    """A lock names no index and no folder of the machine that made it, and how to make it."""
    text = (ROOT / name).read_text("utf-8")
    assert not [word for word in ("://", "--index", "--find-links") if word in text]
    assert "./inv dev.lock" in text
