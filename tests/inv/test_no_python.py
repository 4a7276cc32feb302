"""`./inv` without a usable Python."""

from __future__ import annotations

import re

import pytest

from tests.inv.checkout import Project


@pytest.mark.parametrize(
    ("version", "found"),
    [(None, "python3"), ("Python 3.10.13", "3.10.13")],
)
def test_no_python(project: Project, version: str | None, found: str) -> None:
    """Without Python 3.11 or later it exits with 3 and prints message, reason and hint."""
    (project.path / "python3").unlink()
    if version:
        (project.path / "python3").write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version}\n')
        (project.path / "python3").chmod(0o755)

    done = project.inv("build")

    assert done.returncode == 3
    message, reason, hint = done.stderr.splitlines()[1:]
    assert "3.11" in message
    assert found in reason
    assert "python3-venv" in hint
    assert not (project.root / ".venv").exists()


def test_shim(project: Project) -> None:
    """A python3.13 that is only a version manager's shim and does not start is skipped."""
    (project.path / "python3.13").write_text("#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n")
    (project.path / "python3.13").chmod(0o755)

    assert project.inv().returncode == 0


@pytest.mark.parametrize(("user", "code"), [(0, 0), (1000, 3)])
def test_debian(project: Project, user: int, code: int) -> None:
    """On Debian, root gets the missing ensurepip installed; others are told the command, and apt-get is not called."""
    (project.path / "id").unlink()
    (project.path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (project.path / "apt-get").write_text('#!/bin/sh\necho "apt-get $*" >>"$CALLS"\n')
    for name in ("id", "apt-get"):
        (project.path / name).chmod(0o755)

    done = project.inv(NO_ENSUREPIP="1")

    assert done.returncode == code
    assert ("sudo apt-get install python3.11-venv" in done.stderr) is (user != 0)
    asked = [call for call in project.calls() if call.startswith("apt-get")]
    assert [" install " in call and call.endswith(" python3.11-venv") for call in asked] == (
        [] if user else [False, True]
    )


def test_failing_pip(project: Project) -> None:
    """If pip fails, its last lines are shown, the exit code is 3, and Invoke is not started."""
    done = project.inv("build", BROKEN="pip")

    assert (done.returncode, done.stdout) == (3, "")
    assert "  | the network is gone\n" in done.stderr
    message, reason, _ = done.stderr.splitlines()[-3:]
    assert "requirements.txt" in message
    assert re.search(r"\b7\b", reason)
