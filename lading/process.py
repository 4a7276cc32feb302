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

RUN_LABEL = "lading.run"
"""The label that says which run made a thing in the engine."""
_PID, _HOST = "lading.pid", "lading.host"


@dataclass(frozen=True, kw_only=True)
class Process:
    """One run of Lading: a random id, its process, and the host (and namespace) in which that number means it.

    `who` is the user that runs it, and on which host.
    """

    run: str
    pid: int
    host: str
    who: str = ""

    @classmethod
    def this(cls) -> Process:
        """Give this process under a new run id."""
        name = socket.gethostname()
        host = f"{name} {_pid_namespace()}".strip()
        return cls(run=secrets.token_hex(4), pid=os.getpid(), host=host, who=f"{_user()}@{name}")

    @property
    def labels(self) -> dict[str, str]:
        """The labels of what this run makes in the engine, so that a later run knows whose it is."""
        return {RUN_LABEL: self.run, _PID: str(self.pid), _HOST: self.host}

    def outlived(self, labels: Mapping[str, str]) -> bool:
        """Whether what carries these labels was left by a run of this host that is over."""
        if labels.get(_HOST) != self.host or not labels.get(_PID, "").isdigit():
            return False
        try:
            os.kill(int(labels[_PID]), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def _user() -> str:
    """Give the user's name, or the number where nobody gave it a name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _pid_namespace() -> str:
    """Give the namespace our process id counts in: a container on the host's network has the host's name."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
