"""One at a time for each name, held by the kernel: whoever is killed blocks nobody."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from seatrial.errors import Conflict, StepFailed
from seatrial.host.process import Process

__all__ = ["Lock", "LockOwner"]

_LOOK_AGAIN_SECONDS = 0.1
_NAMELESS_SECONDS = 1.0
_LONGEST_NAME = 150
_UNNAMED_OWNER = "somebody holds it, who has not written down yet who it is"
_LONGER = "--lock-wait 600 (waits up to ten minutes for it), or run it again later"


@dataclass(frozen=True, kw_only=True)
class LockOwner:
    """Who holds a lock: user and host, process id, for what, since when (ISO 8601, UTC)."""

    who: str
    pid: int
    purpose: str
    since: str

    @classmethod
    def this(cls, process: Process, purpose: str) -> LockOwner:
        """Return the holder that a process is from now on."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(who=process.who, pid=process.pid, purpose=purpose, since=since)

    def __str__(self) -> str:
        return f"{self.who}, process {self.pid}, holds it since {self.since} for {self.purpose}"


class Lock:
    """The lock of one name, in a file that is empty while nobody holds it.

    `work` is what is done to the name by who holds it, in words; `hint` is what to type where somebody else does.
    """

    def __init__(self, folder: Path, name: str, *, work: str = "release to", hint: str = _LONGER) -> None:
        self.words = f"another {work} {name} is under way"
        self._name, self._hint = name, hint
        readable = re.sub(r"[^A-Za-z0-9.-]", "_", name)[-_LONGEST_NAME:]
        self.path = folder / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"

    def owner(self) -> str | None:
        """Say who holds it, or nothing when nobody does; the lock is not touched."""
        try:
            file = os.open(self.path, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._written() or _UNNAMED_OWNER
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
        """Hold it meanwhile; `Conflict` when somebody else still does after `wait` seconds.

        `waiting` hears once who it is that is waited for.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self._opened()
        except OSError as error:
            raise StepFailed(
                f"the lock of {self._name} cannot be taken",
                reason=f"{self.path}: {error.strerror}",
                hint=f"mend that (ls -l {self.path}), then run it again",
            ) from error
        try:
            self._acquire(file, wait, waiting, sleep)
            self._write(file, json.dumps(asdict(owner)))
            try:
                yield
            finally:
                self._write(file, "")
        finally:
            os.close(file)

    def _opened(self) -> int:
        """Return the file; what another user (root) made is only read, which is enough to hold it."""
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except PermissionError:
            return os.open(self.path, os.O_RDONLY)

    @staticmethod
    def _write(file: int, text: str) -> None:
        with suppress(OSError):  # it is another user's file, or the disk is full: it is held all the same
            os.ftruncate(file, 0)
            os.pwrite(file, text.encode(), 0)

    def _acquire(self, file: int, wait: float, waiting: Callable[[str], None], sleep: Callable[[float], None]) -> None:
        began, announced = time.monotonic(), False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = self._written()
                # Who has written nothing has it only just now, or is only looking; and what was read may be the name
                # of somebody who was killed, until the next look.
                least = _LOOK_AGAIN_SECONDS if owner else _NAMELESS_SECONDS
                if time.monotonic() - began >= max(wait, least):
                    behind = f" after {wait:g} s" if wait else ""
                    raise Conflict(f"{self.words}{behind}", reason=owner or _UNNAMED_OWNER, hint=self._hint) from None
                if owner and not announced:
                    waiting(owner)
                    announced = True
                sleep(_LOOK_AGAIN_SECONDS)
            else:
                return

    def _written(self) -> str | None:
        try:
            return str(LockOwner(**json.loads(self.path.read_text("utf-8"))))
        except (OSError, ValueError, TypeError):
            return None
