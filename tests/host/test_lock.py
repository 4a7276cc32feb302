"""A lock has one owner at a time, names it, and is free as soon as the owner's process ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.errors import Conflict
from seatrial.host.lock import Lock, LockOwner

REPOSITORY = "localhost:5050/demo/app"
ME = LockOwner(who="alice@laptop", pid=os.getpid(), purpose="release of version 2", since="2026-07-01T12:00:00+00:00")
_OWNER = """
import os, sys, time
from pathlib import Path
from seatrial.host.lock import LockOwner, Lock
me = LockOwner(who="bob@desktop", pid=os.getpid(), purpose="release of version 1", since="2026-07-01T11:59:00+00:00")
with Lock(Path(sys.argv[1]), sys.argv[2]).hold(me):
    print("held", flush=True)
    sys.stdin.read()
"""
_RACER = """
import os, sys, time
from pathlib import Path
from seatrial.host.lock import LockOwner, Lock
folder = Path(sys.argv[1])
me = LockOwner(who="racer", pid=os.getpid(), purpose="a race", since="now")
for _ in range(10):
    with Lock(folder, "r/a").hold(me, wait=60, sleep=lambda _: time.sleep(0.001)):
        (folder / "inside").touch(exist_ok=False)  # fails if another process is inside
        time.sleep(0.002)
        (folder / "inside").unlink()
        with (folder / "rounds").open("a") as rounds:
            print(me.pid, file=rounds)
"""
Other = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder for locks that does not exist yet."""
    return tmp_path / "locks"


@pytest.fixture
def other(folder: Path, repository: Path) -> Iterator[Other]:
    """Yield a function that starts another process, which holds a repository's lock until its input ends."""
    with ExitStack() as stack:

        def start(name: str = REPOSITORY) -> subprocess.Popen[str]:
            words = [sys.executable, "-c", _OWNER, str(folder), name]
            process = subprocess.Popen(words, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            return process

        yield start


@contextmanager
def refused(lock: Lock, wait: float = 0) -> Iterator[Conflict]:
    """Check that the lock is taken; yield the error."""
    with pytest.raises(Conflict) as caught, lock.hold(ME, wait=wait):
        pytest.fail("two processes hold the lock")
    yield caught.value


def test_alone(folder: Path) -> None:
    """A free lock is given at once; its owner is named while it is held, and it is free again after an error, too."""
    lock = Lock(folder, REPOSITORY)
    with suppress(KeyboardInterrupt), lock.hold(ME):
        assert lock.owner() == str(ME)
        raise KeyboardInterrupt
    assert lock.owner() is None
    assert lock.path.read_bytes() == b""
    with lock.hold(ME):
        pass


def test_taken(folder: Path, other: Other) -> None:
    """A taken lock is refused with its owner and process, at once or after the wait; another's lock is free."""
    process = other()
    started = time.monotonic()
    with refused(Lock(folder, REPOSITORY)) as error:
        assert error.exit_code == 4
        assert f"bob@desktop (pid {process.pid})" in error.reason
    assert time.monotonic() - started < 2
    with refused(Lock(folder, REPOSITORY), wait=0.5):
        pass
    assert 0.5 <= time.monotonic() - started < 5
    with Lock(folder, "r.io/a/c").hold(ME):
        assert Lock(folder, "r.io/a/c").owner() == str(ME)


def test_waits(folder: Path, other: Other) -> None:
    """A waiting process gets the lock when it is free, and hears its owner once."""
    process = other()
    heard: list[str] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 5:
            process.communicate("")

    lock = Lock(folder, REPOSITORY)
    with lock.hold(ME, wait=60, waiting=heard.append, sleep=sleep):
        assert lock.owner() == str(ME)
    assert len(slept) >= 5
    assert [f"bob@desktop (pid {process.pid})" in owner for owner in heard] == [True]


def test_killed(folder: Path, other: Other) -> None:
    """A killed process leaves its name in the file, but the lock is free and the name is not shown."""
    process = other()
    process.kill()
    process.wait()
    lock = Lock(folder, REPOSITORY)
    assert "bob@desktop" in lock.path.read_text()
    assert lock.owner() is None
    with lock.hold(ME):
        assert lock.owner() == str(ME)
        with refused(lock) as error:
            assert "alice@laptop" in error.reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")
def test_of_another_user() -> None:
    """A user who may only read root's lock file can hold the lock; it then keeps others out."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        lock = Lock(folder, REPOSITORY)
        with lock.hold(ME):
            pass
        os.seteuid(65534)
        try:
            with lock.hold(ME), refused(lock) as error:
                assert ME.who not in error.reason
        finally:
            os.seteuid(0)
    finally:
        shutil.rmtree(folder)


def test_a_reader_at_the_same_moment(folder: Path) -> None:
    """A reader at the same moment makes no process fail, even with a killed owner's name in the file."""
    lock = Lock(folder, REPOSITORY)
    with lock.hold(ME):
        left = lock.path.read_bytes()
    lock.path.write_bytes(left)
    reader = os.open(lock.path, os.O_RDONLY)
    fcntl.flock(reader, fcntl.LOCK_SH)
    with lock.hold(ME, sleep=lambda _: os.close(reader)):
        assert lock.owner() == str(ME)


def test_reading_changes_nothing(folder: Path, other: Other) -> None:
    """Reading the owner creates no file and does not change an existing one."""
    lock = Lock(folder, REPOSITORY)
    assert lock.owner() is None
    assert not folder.exists()
    other()
    before = (lock.path.read_bytes(), lock.path.stat().st_mtime_ns)
    assert lock.owner()
    assert (lock.path.read_bytes(), lock.path.stat().st_mtime_ns) == before
    assert [one.name for one in folder.iterdir()] == [lock.path.name]


@pytest.mark.parametrize("name", [REPOSITORY, "[::1]:5000/a", "r.io/" + "a/" * 200 + "a", ".."])
def test_file_names(folder: Path, name: str) -> None:
    """The lock of any repository is one file in the folder."""
    lock = Lock(folder, name)
    with lock.hold(ME):
        assert [one.name for one in folder.iterdir()] == [lock.path.name]
    assert lock.path.parent == folder


@given(st.text(min_size=1), st.text(min_size=1))
@example("a/b", "a_b")
@example("r:5/a", "r/5/a")
@example("a" * 300, "a" * 301)
def test_different_names_different_files(one: str, other: str) -> None:
    """Two names share a lock only if they are equal."""
    assert (Lock(Path("x"), one).path == Lock(Path("x"), other).path) == (one == other)


def test_race(folder: Path, repository: Path) -> None:
    """Of two processes that take the lock repeatedly only one holds it at a time, and both get it."""
    folder.mkdir()
    words = [sys.executable, "-c", _RACER, str(folder)]
    racers = [subprocess.Popen(words, cwd=repository) for _ in range(2)]
    assert [one.wait(60) for one in racers] == [0, 0]
    rounds = (folder / "rounds").read_text().split()
    assert sorted(rounds) == sorted(str(one.pid) for one in racers for _ in range(10))
    assert Lock(folder, "r/a").owner() is None
