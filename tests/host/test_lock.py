"""A lock lets in one at a time, says who it is, and is free the moment its holder is gone."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import Conflict
from seatrial.host.lock import Lock, LockOwner

REPOSITORY = "localhost:5050/demo/app"
ME = LockOwner(who="alice@laptop", pid=os.getpid(), purpose="release of version 2", since="2026-07-01T12:00:00+00:00")
_HOLDER = """
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
for _ in range(20):
    with Lock(folder, "r/a").hold(me, wait=60, sleep=lambda _: time.sleep(0.001)):
        (folder / "inside").touch(exist_ok=False)  # fails when somebody else is inside
        time.sleep(0.002)
        (folder / "inside").unlink()
        with (folder / "rounds").open("a") as rounds:
            print(me.pid, file=rounds)
"""
Other = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for locks that is not there yet."""
    return tmp_path / "locks"


@pytest.fixture
def other(folder: Path, repository: Path) -> Iterator[Other]:
    """Starts another process that holds a repository's lock until its input ends."""
    with ExitStack() as stack:

        def start(name: str = REPOSITORY) -> subprocess.Popen[str]:
            words = [sys.executable, "-c", _HOLDER, str(folder), name]
            process = subprocess.Popen(words, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            return process

        yield start


@contextmanager
def refused(lock: Lock, wait: float = 0) -> Iterator[Conflict]:
    """See that the lock is not given."""
    with pytest.raises(Conflict) as caught, lock.hold(ME, wait=wait):
        pytest.fail("two are inside")
    yield caught.value


def test_alone(folder: Path) -> None:
    """Who is alone gets it, is named while holding it, and leaves an empty file."""
    lock = Lock(folder, REPOSITORY)
    with lock.hold(ME):
        assert lock.owner() == str(ME)
        assert str(os.getpid()) in lock.path.read_text()
    assert lock.owner() is None
    assert lock.path.read_bytes() == b""
    with lock.hold(ME):
        pass


def test_taken(folder: Path, other: Other) -> None:
    """Who comes second learns who holds it, in which process, since when and for what, and what to type."""
    process = other()
    began = time.monotonic()
    with refused(Lock(folder, REPOSITORY)) as error:
        assert error.exit_code == 4
        assert REPOSITORY in error.message
        for fact in ("bob@desktop", str(process.pid), "2026-07-01T11:59:00+00:00", "release of version 1"):
            assert fact in error.reason
        assert "--lock-wait" in error.hint
    assert time.monotonic() - began < 2


def test_taken_for_longer_than_one_waits(folder: Path, other: Other) -> None:
    """Who waited in vain learns how long it was."""
    other()
    began = time.monotonic()
    with refused(Lock(folder, REPOSITORY), wait=0.5) as error:
        assert "after 0.5 s" in error.message
    assert 0.5 <= time.monotonic() - began < 3


def test_waits(folder: Path, other: Other) -> None:
    """Who waits gets it once it is free, and hears once for whom."""
    process = other()
    heard: list[str] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 5:
            process.communicate("")
        time.sleep(seconds)

    lock = Lock(folder, REPOSITORY)
    with lock.hold(ME, wait=60, waiting=heard.append, sleep=sleep):
        assert lock.owner() == str(ME)
    assert len(slept) >= 5
    (words,) = heard
    assert f"bob@desktop, process {process.pid}" in words


def test_killed(folder: Path, other: Other) -> None:
    """Who is killed leaves a name behind that blocks nobody and is told to nobody."""
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_of_another_user() -> None:
    """The lock that root made can be held by who may only read it, and keeps out who comes then."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        lock = Lock(folder, REPOSITORY)
        with lock.hold(ME):
            pass
        os.seteuid(65534)
        try:
            with lock.hold(ME), refused(lock) as error:
                assert "not written down" in error.reason
        finally:
            os.seteuid(0)
    finally:
        shutil.rmtree(folder)


def test_lookers_are_in_nobodys_way(folder: Path, other: Other) -> None:
    """Who only looks does not make a release fail, though a killed holder's name stands in the file."""
    process = other()
    process.kill()
    process.wait()
    lock, over = Lock(folder, REPOSITORY), threading.Event()

    def look() -> None:
        while not over.is_set():
            lock.owner()

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for one in lookers:
        one.start()
    try:
        for _ in range(50):
            with lock.hold(ME, wait=10, sleep=lambda _: time.sleep(0.001)):
                pass
    finally:
        over.set()
        for one in lookers:
            one.join()


def test_looked_at_for_a_moment(folder: Path) -> None:
    """Who looks at just this moment makes nobody fail, though the name of a killed holder stands there."""
    lock = Lock(folder, REPOSITORY)
    with lock.hold(ME):
        left = lock.path.read_bytes()
    lock.path.write_bytes(left)
    looker = os.open(lock.path, os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    with lock.hold(ME, sleep=lambda _: os.close(looker)):
        assert lock.owner() == str(ME)


def test_looking_touches_nothing(folder: Path, other: Other) -> None:
    """Looking makes no file where there is none, and leaves one that is there as it was."""
    lock = Lock(folder, REPOSITORY)
    assert lock.owner() is None
    assert not folder.exists()

    process = other()
    before = (lock.path.read_bytes(), lock.path.stat().st_mtime_ns)
    hold = lock.owner()
    assert hold
    assert f"process {process.pid}" in hold
    assert (lock.path.read_bytes(), lock.path.stat().st_mtime_ns) == before
    assert [one.name for one in folder.iterdir()] == [lock.path.name]


@pytest.mark.parametrize("content", [b"", b'{"who": "x"}', b"\xff"])
def test_holder_without_a_name(folder: Path, content: bytes) -> None:
    """A lock that is held by somebody who has not written who it is, is held all the same."""
    lock = Lock(folder, REPOSITORY)
    with lock.hold(ME):
        lock.path.write_bytes(content)
        assert lock.owner()
        with refused(lock) as error:
            assert "somebody" in error.reason


def test_ends_with_an_error(folder: Path) -> None:
    """Whatever happens to who holds it, it is free afterwards."""
    lock = Lock(folder, REPOSITORY)
    with pytest.raises(KeyboardInterrupt), lock.hold(ME):
        raise KeyboardInterrupt
    assert lock.owner() is None
    assert lock.path.read_bytes() == b""


def test_other_repositories(folder: Path, other: Other) -> None:
    """One repository's lock does not keep another's release waiting."""
    other("r.io/a/b")
    with Lock(folder, "r.io/a/c").hold(ME):
        assert Lock(folder, "r.io/a/b").owner() != str(ME)


@pytest.mark.parametrize(
    "name", [REPOSITORY, "[::1]:5000/a", "docker.io/sposigor/app", "r.io/" + "a/" * 200 + "a", ".."]
)
def test_file_names(folder: Path, name: str) -> None:
    """Whatever a repository is called, its lock is one file in the folder."""
    lock = Lock(folder, name)
    with lock.hold(ME):
        assert [one.name for one in folder.iterdir()] == [lock.path.name]
    assert lock.path.parent == folder


@pytest.mark.parametrize(("one", "other"), [("a/b", "a_b"), ("r:5/a", "r/5/a"), ("a" * 300, "a" * 301), ("a.b", "a-b")])
def test_each_its_own_file(one: str, other: str) -> None:
    """Names that look alike are different locks."""
    assert Lock(Path("x"), one).path.name.lower() != Lock(Path("x"), other).path.name.lower()


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_names_different_files(one: str, other: str) -> None:
    """Two repositories have one lock only when they are the same."""
    assert (Lock(Path("x"), one).path == Lock(Path("x"), other).path) == (one == other)


def test_race(folder: Path, repository: Path) -> None:
    """Of two processes that take it again and again only one is inside at any time, and both get there."""
    folder.mkdir()
    words = [sys.executable, "-c", _RACER, str(folder)]
    racers = [subprocess.Popen(words, cwd=repository) for _ in range(2)]
    assert [one.wait(60) for one in racers] == [0, 0]
    rounds = (folder / "rounds").read_text().split()
    assert sorted(rounds) == sorted(str(one.pid) for one in racers for _ in range(20))
    assert Lock(folder, "r/a").owner() is None
