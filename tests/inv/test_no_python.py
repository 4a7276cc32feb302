"""`./inv` where something of Python is missing."""

from __future__ import annotations

import pytest

from tests.inv.checkout import Project


@pytest.mark.parametrize(
    ("version", "reason"),
    [(None, "there is no python3 on PATH"), ("Python 3.10.13", "python3 on PATH is Python 3.10.13")],
)
def test_no_python(project: Project, version: str | None, reason: str) -> None:
    """Without a Python >= 3.11 it ends with 3 and says what failed, why, and what to type next."""
    (project.path / "python3").unlink()
    if version:
        (project.path / "python3").write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version}\n')
        (project.path / "python3").chmod(0o755)

    done = project.inv("build")

    assert done.returncode == 3
    _, why, hint = done.stderr.splitlines()[1:]
    assert why == f"  why:  {reason}"
    assert "python3-venv" in hint
    assert not (project.root / ".venv").exists()


def test_shim(project: Project) -> None:
    """A python3.13 that is only a version manager's shim, and does not start, is passed over."""
    (project.path / "python3.13").write_text("#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n")
    (project.path / "python3.13").chmod(0o755)

    assert project.inv().returncode == 0


def test_no_ensurepip(project: Project) -> None:
    """Where Python has no ensurepip and there is no apt-get, the package to install is named."""
    done = project.inv(NO_ENSUREPIP="1")

    assert done.returncode == 3
    assert "ensurepip is missing" in done.stderr
    assert "sudo apt-get install python3.11-venv" in done.stderr


@pytest.mark.parametrize(("user", "code"), [(0, 0), (1000, 3)])
def test_debian(project: Project, user: int, code: int) -> None:
    """On Debian, root gets the missing ensurepip installed; nobody else has apt-get called."""
    (project.path / "id").unlink()
    (project.path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (project.path / "apt-get").write_text('#!/bin/sh\necho "apt-get $*" >>"$CALLS"\n')
    for name in ("id", "apt-get"):
        (project.path / name).chmod(0o755)

    done = project.inv(NO_ENSUREPIP="1")

    assert done.returncode == code
    asked = [call for call in project.calls() if call.startswith("apt-get")]
    assert [" install " in call and call.endswith(" python3.11-venv") for call in asked] == (
        [] if user else [False, True]
    )


def test_failing_pip(project: Project) -> None:
    """When pip fails its last lines are shown, it ends with 3, and Invoke is not started."""
    done = project.inv("build", BROKEN="pip")

    assert (done.returncode, done.stdout) == (3, "")
    assert "  | the network is gone\n" in done.stderr
    assert "seatrial: requirements.txt could not be installed\n  why:  " in done.stderr
    assert "ended with 7" in done.stderr
