"""A named lock. The kernel keeps it, so it is free as soon as the process that holds it ends or is killed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, to_builtins

from seatrial.errors import Conflict, StepFailed
from seatrial.host.process import Process

__all__ = ["Lock", "LockImpossibleError", "LockOwner"]

_RETRY_SECONDS = 0.1
_LEAST_WAIT_FOR_UNNAMED = 1.0
_LONGEST_NAME = 150
_UNNAMED_OWNER = "locked by a process that has not written its name yet"
_DEFAULT_HINT = "--lock-wait 600 (waits up to ten minutes), or run it again later"


class LockOwner(Struct, frozen=True, kw_only=True):
    """Who holds a lock: user and host, process id, for what, since when (ISO 8601, UTC)."""

    who: str
    pid: int
    purpose: str
    since: str

    @classmethod
    def this(cls, process: Process, purpose: str) -> LockOwner:
        """Return `process` as the owner of a lock that it takes now."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(who=process.who, pid=process.pid, purpose=purpose, since=since)

    def __str__(self) -> str:
        return f"locked by {self.who} (pid {self.pid}) since {self.since} for {self.purpose}"


class LockImpossibleError(StepFailed):
    """The lock's file can be neither made nor opened; the cause is an `OSError`."""


class Lock:
    """The lock for one name, in a file that is empty while the lock is free.

    In the message "another release to NAME is in progress", `work` is "release to"; `hint` says what to type then.
    """

    def __init__(self, folder: Path, name: str, *, work: str = "release to", hint: str = _DEFAULT_HINT) -> None:
        self.words = f"another {work} {name} is in progress"
        self._name, self._hint = name, hint
        readable = re.sub(r"[^A-Za-z0-9.-]", "_", name)[-_LONGEST_NAME:]
        self.path = folder / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"

    def owner(self) -> str | None:
        """Return who holds the lock as text, or None if it is free; the lock is not changed."""
        try:
            file = os.open(self.path, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._read_owner() or _UNNAMED_OWNER
        finally:
            os.close(file)
        return None

    @contextmanager
    def hold(
        self,
        owner: LockOwner,
        *,
        wait: float = 0,
        waiting: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[None]:
        """Hold the lock for the block; raise `Conflict` if another process still holds it after `wait` seconds.

        `waiting` is called once with the owner, as text, if the lock is not free at once.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self._open()
        except OSError as error:
            raise LockImpossibleError(
                f"the lock for {self._name} cannot be taken",
                reason=f"{self.path}: {error.strerror}",
                hint=f"ls -ld {self.path.parent} {self.path} (shows owner and mode; fix them, then run it again)",
            ) from error
        try:
            self._acquire(file, wait, waiting, sleep)
            self._write(file, json.dumps(to_builtins(owner)))
            try:
                yield
            finally:
                self._write(file, "")
        finally:
            os.close(file)

    def _open(self) -> int:
        """Open the lock file; another user's file is opened read-only, which is enough to lock it."""
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except PermissionError:
            return os.open(self.path, os.O_RDONLY)

    @staticmethod
    def _write(file: int, text: str) -> None:
        with suppress(OSError):  # another user's file, or a full disk: the lock is held all the same
            os.ftruncate(file, 0)
            os.pwrite(file, text.encode(), 0)

    def _acquire(self, file: int, wait: float, waiting: Callable[[str], None], sleep: Callable[[float], None]) -> None:
        started, announced = time.monotonic(), False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = self._read_owner()
                # The file is empty if the owner has just taken the lock, or if `owner()` of another process holds
                # it for a moment. Until a new owner has written its name, that of a killed owner may still be there.
                least = _RETRY_SECONDS if owner else _LEAST_WAIT_FOR_UNNAMED
                if time.monotonic() - started >= max(wait, least):
                    suffix = f" after {wait:g} s" if wait else ""
                    raise Conflict(f"{self.words}{suffix}", reason=owner or _UNNAMED_OWNER, hint=self._hint) from None
                if owner and not announced:
                    waiting(owner)
                    announced = True
                sleep(_RETRY_SECONDS)
            else:
                return

    def _read_owner(self) -> str | None:
        try:
            return str(LockOwner(**json.loads(self.path.read_text("utf-8"))))
        except (OSError, ValueError, TypeError):
            return None
