"""The sentences that users read when a lock is taken or a program fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import Conflict, StepFailed
from seatrial.host.lock import Lock, LockOwner
from seatrial.host.subprocesses import run_command

_OWNER = LockOwner(who="bob@desktop", pid=7, purpose="release of version 1", since="2026-07-01T11:59:00+00:00")


def _sentences(error: Conflict | StepFailed) -> tuple[str, str, str]:
    return error.message, error.reason, error.hint


def test_a_lock_that_is_taken(tmp_path: Path) -> None:
    """The message names the lock, its owner and the flag that waits."""
    lock = Lock(tmp_path, "r.io/shop")
    with lock.hold(_OWNER), pytest.raises(Conflict) as caught, lock.hold(_OWNER):
        pass
    assert _sentences(caught.value) == (
        "another release to r.io/shop is in progress",
        "locked by bob@desktop (pid 7) since 2026-07-01T11:59:00+00:00 for release of version 1",
        "--lock-wait 600 (waits up to ten minutes), or run it again later",
    )


@pytest.mark.parametrize("content", [b'{"who": "x"}', b"\xff"])
def test_a_lock_without_a_name(tmp_path: Path, content: bytes) -> None:
    """An owner that has not written its name yet is reported as such; the time that passed is named."""
    lock = Lock(tmp_path, "shop", work="run or stop of", hint="docker ps")
    with lock.hold(_OWNER):
        lock.path.write_bytes(content)
        with pytest.raises(Conflict) as caught, lock.hold(_OWNER, wait=0.1):
            pass
    assert _sentences(caught.value) == (
        "another run or stop of shop is in progress after 0.1 s",
        "locked by a process that has not written its name yet",
        "docker ps",
    )


def test_a_lock_that_cannot_be_taken(tmp_path: Path) -> None:
    """A file in the place of the lock folder is reported with a command that shows it."""
    folder = tmp_path / "locks"
    folder.touch()
    lock = Lock(folder, "r.io/shop")
    with pytest.raises(StepFailed) as caught, lock.hold(_OWNER):
        pass
    assert _sentences(caught.value) == (
        "the lock for r.io/shop cannot be taken",
        f"{lock.path}: File exists",
        f"ls -ld {folder} {lock.path} (shows owner and mode; fix them, then run it again)",
    )


@pytest.mark.parametrize(
    ("words", "reason", "hint"),
    [
        (["no-such-program"], "no-such-program: No such file or directory", "install no-such-program"),
        (["false"], "false ended with exit code 1", "fix what the lines above say, then run it again"),
    ],
)
def test_a_program_that_fails(words: list[str], reason: str, hint: str) -> None:
    """A program that is missing or fails is named with its exit code."""
    with pytest.raises(StepFailed) as caught:
        run_command(words, action="the engine was not installed")
    assert _sentences(caught.value) == ("the engine was not installed", reason, hint)
