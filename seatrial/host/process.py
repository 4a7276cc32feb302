"""Who we are among the processes that work on one engine."""

from __future__ import annotations

import os
import pwd
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RUN_LABEL", "Process"]

RUN_LABEL = "seatrial.run"
"""The label that says which run made a thing in the engine."""
_PID, _STARTED, _HOST = "seatrial.pid", "seatrial.started", "seatrial.host"
_STARTED_FIELD = 19  # of /proc/PID/stat, counted behind the program's name


@dataclass(frozen=True, kw_only=True)
class Process:
    """One run of Seatrial: a random id, its process, and the host (and namespace) in which that number means it.

    `who` is the user that runs it, and on which host.
    """

    run: str
    pid: int
    host: str
    who: str = ""

    @classmethod
    def this(cls) -> Process:
        """Return this process under a new run id."""
        name = socket.gethostname()
        host = f"{name} {_pid_namespace()}".strip()
        return cls(run=secrets.token_hex(4), pid=os.getpid(), host=host, who=f"{_user()}@{name}")

    @property
    def labels(self) -> dict[str, str]:
        """The labels of what this run makes in the engine, so that a later run knows whose it is."""
        return {RUN_LABEL: self.run, _PID: str(self.pid), _STARTED: _started(str(self.pid)), _HOST: self.host}

    def left_by_dead_run(self, labels: Mapping[str, str]) -> bool:
        """Return whether what carries these labels was left by a run of this host that is over."""
        pid = labels.get(_PID, "")
        if labels.get(_HOST) != self.host or not pid.isdigit():
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # another user's
        started, now = labels.get(_STARTED), _started(pid)
        return bool(started and now) and started != now  # the number is another process's by now


def _user() -> str:
    """Return the user's name, or the number where nobody gave it a name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _started(pid: str) -> str:
    """Return when a process of this host was started, in the kernel's ticks; empty where that cannot be told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[_STARTED_FIELD]
    except (OSError, IndexError):
        return ""


def _pid_namespace() -> str:
    """Return the namespace our process id counts in: a container on the host's network has the host's name."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
