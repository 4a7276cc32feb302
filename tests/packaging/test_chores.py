"""The repository's chores install what they need, once."""

from __future__ import annotations

import shlex
import sys
import threading
from pathlib import Path

import pytest
from invoke.collection import Collection
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

import tasks

# Stands in for the Python of .venv: writes down its calls, and fails when it is told to.
_PYTHON = """\
#!/bin/sh
echo "$* ${PIP_TARGET-}" >>"${0%/*}/calls"
sleep 0.2
[ ! -e "${0%/*}/broken" ]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with locks and a .venv, in which this Python believes itself to be."""
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
    """The first chore installs both locks with their hashes into .venv and nowhere else, the second nothing."""
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")

    tasks._equip(Context())
    tasks._equip(Context())

    (call,) = _calls(repository)
    assert call.startswith("-m pip install ")
    assert call.endswith(" --require-hashes -r requirements.txt -r requirements-dev.txt ")


@pytest.mark.parametrize("name", tasks.LOCKS)
def test_changed_lock(repository: Path, name: str) -> None:
    """A lock that changed is installed anew, and so is everything after .venv was made anew."""
    tasks._equip(Context())
    (repository / name).write_text("# changed\n")
    tasks._equip(Context())
    assert len(_calls(repository)) == 2

    (repository / ".venv/seatrial-dev-stamp").unlink()
    tasks._equip(Context())
    assert len(_calls(repository)) == 3


def test_failing_pip(repository: Path) -> None:
    """When pip fails that is said, with 3 and what to do; the next chore tries again."""
    tasks._equip(Context())
    (repository / "requirements-dev.txt").write_text("# changed\n")
    (repository / ".venv/bin/broken").touch()
    with pytest.raises(Exit, match=r"could not be installed\n  why: .*\n  next: ") as caught:
        tasks._equip(Context())
    assert caught.value.code == 3

    (repository / ".venv/bin/broken").unlink()
    (repository / "requirements-dev.txt").write_text("# requirements-dev.txt\n")
    tasks._equip(Context())
    assert len(_calls(repository)) == 3


def test_two_at_once(repository: Path) -> None:
    """Of two chores that start at once one installs, and the other waits for it."""
    both = [threading.Thread(target=tasks._equip, args=(Context(),)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert len(_calls(repository)) == 1


def test_dry(repository: Path) -> None:
    """With Invoke's --dry nothing is installed, and nothing taken for installed."""
    tasks._equip(Context(Config(overrides={"run": {"dry": True}})))
    assert _calls(repository) == []

    tasks._equip(Context())
    assert len(_calls(repository)) == 1


def test_somebodys_venv(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In somebody's own venv no tests and tools are installed: ./inv is what to type."""
    monkeypatch.setattr(sys, "prefix", str(repository.parent))

    with pytest.raises(Exit, match=r"next: \./inv ") as caught:
        tasks._equip(Context())

    assert caught.value.code == 3
    assert _calls(repository) == []


def test_where_they_are() -> None:
    """What is about the repository stands under dev; the tests stand beside Seatrial's tasks."""
    chores = tasks.ns.collections["dev"]
    assert isinstance(chores, Collection)
    assert sorted(chores.task_names) == ["engines", "lint", "lock"]
    assert "test" in tasks.ns.task_names


def test_locks_name_no_index(request: pytest.FixtureRequest) -> None:
    """The locks are for everybody: no index, no folder of the machine that made them."""
    for name in ("requirements.txt", "requirements-dev.txt", "app/requirements.txt"):
        text = (request.config.rootpath / name).read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text
        assert "./inv dev.lock" in text
