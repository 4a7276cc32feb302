"""The identity of one run, and the labels by which a later run recognises what this run left in the engine."""

from __future__ import annotations

import os
import pwd
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

__all__ = ["Process"]

_RUN, _PID, _STARTED, _HOST = "seatrial.run", "seatrial.pid", "seatrial.started", "seatrial.host"
_STARTED_FIELD = 19  # of /proc/PID/stat, counted after the program's name


class Process(Struct, frozen=True, kw_only=True, eq=False):
    """One run of Seatrial: a random id, its pid, and the host (with PID namespace) where that pid is valid.

    `who` is the user and the host name, like `alice@laptop`; `started` is the monotonic time at which the run began.
    """

    run: str
    pid: int
    host: str
    who: str = ""
    started: float = field(default_factory=time.monotonic)

    def starting_now(self) -> Process:
        """Return the same run, with its time counted from now on."""
        return replace(self, started=time.monotonic())

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self.started

    @classmethod
    def this(cls) -> Process:
        """Return this process with a new run id."""
        name = socket.gethostname()
        host = f"{name} {_pid_namespace()}".strip()
        return cls(run=secrets.token_hex(4), pid=os.getpid(), host=host, who=f"{_user()}@{name}")

    @property
    def labels(self) -> dict[str, str]:
        """The labels for everything that this run creates in the engine; `left_by_dead_run` reads them later."""
        return {_RUN: self.run, _PID: str(self.pid), _STARTED: _started(str(self.pid)), _HOST: self.host}

    def left_by_dead_run(self, labels: Mapping[str, str]) -> bool:
        """Return whether an object with these labels was left by a run on this host that has ended."""
        pid = labels.get(_PID, "")
        if labels.get(_HOST) != self.host or not pid.isdigit():
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # the process belongs to another user
        started, now = labels.get(_STARTED), _started(pid)
        return bool(started and now) and started != now  # another process has the pid now


def _user() -> str:
    """Return the name of the current user, or the user id if there is no name for it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _started(pid: str) -> str:
    """Return when a process on this host started, in kernel ticks; empty if it is not known."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[_STARTED_FIELD]
    except (OSError, IndexError):
        return ""


def _pid_namespace() -> str:
    """Return our PID namespace: a container on the host's network has the host's name, but pids of its own."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
