"""Who ended a container's process with a signal: the kernel for memory, the engine, or somebody else."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.engine.inspection import EndedBy
from seatrial.engine.parsing import engine_time

if TYPE_CHECKING:  # loaded only when something has to be done
    import docker

__all__ = ["COUNTERS", "ended_by", "oom_kills_in_host", "oom_kills_of"]

COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
"""Where a container sees the kernel's counters of its memory limit: cgroups version 2, and version 1."""

_KILLED, _TERMINATED = 137, 143
_KEPT_EVENTS = 256
_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)
_GROUP = re.compile(r"^(?:0::|\d+:memory:)(?P<path>/.*)$", re.MULTILINE)


def ended_by(client: docker.APIClient, raw: dict[str, Any]) -> EndedBy:
    """Return who ended a container with SIGKILL or SIGTERM, by the engine's events; empty if its end was another."""
    state = raw["State"]
    if state.get("Running") or state.get("ExitCode") not in (_KILLED, _TERMINATED) or state.get("OOMKilled"):
        return ""
    try:
        until = math.ceil(engine_time(state["FinishedAt"]).timestamp()) + 1
    except (KeyError, ValueError):
        return ""
    events = list(client.events(since=1, until=until, decode=True))
    actions = {one.get("Action") for one in events if (one.get("Actor") or {}).get("ID") == raw["Id"]}
    if "oom" in actions:
        return "memory"
    if "kill" in actions:
        return "request"
    # The engine keeps its last events in memory, and loses them when it is restarted.
    return "restart" if "start" not in actions and len(events) < _KEPT_EVENTS else "itself"


def oom_kills_of(text: str) -> int | None:
    """Return the number of processes that the kernel killed for memory, in the text of a counter; None without one."""
    found = _COUNT.findall(text)
    return sum(map(int, found)) if found else None


def oom_kills_in_host(pid: int, container_id: str, *, root: Path = Path("/")) -> int | None:
    """Return the same for the container of process `pid`, from this machine; None unless it belongs to it."""
    try:
        groups = (root / f"proc/{pid}/cgroup").read_text()
        if pid <= 0 or container_id not in groups:
            return None
        paths = [found["path"].lstrip("/") for found in _GROUP.finditer(groups)]
        counters = [Path(counter.lstrip("/")) for counter in COUNTERS]
        files = [root / counter.parent / path / counter.name for path in paths for counter in counters]
        return oom_kills_of("\n".join(file.read_text() for file in files if file.exists()))
    except OSError:
        return None
