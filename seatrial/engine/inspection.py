"""What can be seen of a container from outside: how it ended, its health checks and its sockets."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from seatrial.engine.model import State
from seatrial.engine.parsing import engine_time
from seatrial.engine.program import Program
from seatrial.host.sockets import parse_sockets

__all__ = [
    "ContainerInspection",
    "EndedBy",
    "Health",
    "HealthTest",
    "Socket",
    "inspection_of",
    "is_in_container",
    "sockets_in_host_proc",
    "sockets_of",
]

_DOCKERS_RESOLVER = ipaddress.ip_address("127.0.0.11")
_HEALTH_KEPT = 3
_WORD = 8  # hexadecimal digits of 32 bits
_TABLES = ("net/tcp", "net/tcp6")
_HOST_PROC = Path("/proc")
_NANOSECONDS = 1e9
_HEALTH_SECONDS = 30.0
_HEALTH_RETRIES = 3


EndedBy = Literal["", "memory", "restart", "request", "itself"]
"""Who ended a process: the kernel for memory, a restart of the engine, a request to the engine, or the app itself."""


class Socket(Struct, frozen=True, kw_only=True, order=True):
    """A TCP socket that listens inside a container: its port, and its address such as `0.0.0.0` or `::1`."""

    port: int
    address: str

    @property
    def loopback(self) -> bool:
        """Whether only the container itself can reach the socket."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Health(Struct, frozen=True, kw_only=True):
    """One run of a HEALTHCHECK: its exit code and what it printed."""

    exit_code: int
    output: str


class HealthTest(Struct, frozen=True, kw_only=True):
    """A HEALTHCHECK: its command, how long one run may take, and how long after the start it may fail, in seconds.

    `retries` is how many failures in a row make a container unhealthy.
    """

    command: tuple[str, ...]
    timeout: float = _HEALTH_SECONDS
    start_period: float = 0.0
    retries: int = _HEALTH_RETRIES


class ContainerInspection(Struct, frozen=True, kw_only=True):
    """What can be seen of a container from outside.

    `oom_kills` counts the processes that the kernel killed at the memory limit while it runs (None if unknown), and
    `ended_by` is who ended it with a signal. `error` is the engine's message for a failed start. `lived` is the seconds
    from start to end (None while it runs, or if it never ran). `health` is the engine's health status (empty without
    HEALTHCHECK), `health_log` its last runs, `health_test` the HEALTHCHECK itself. `sockets` are the listening sockets
    inside (None if unknown). `command` is what it runs, `program` the file of that command (None if unknown).
    `writable` are the paths it may write to.
    """

    state: State
    exit_code: int = 0
    oom_killed: bool = False
    oom_kills: int | None = None
    ended_by: EndedBy = ""
    error: str = ""
    lived: float | None = None
    health: str = ""
    health_log: tuple[Health, ...] = ()
    health_test: HealthTest | None = None
    sockets: tuple[Socket, ...] | None = None
    command: tuple[str, ...] = ()
    program: Program | None = None
    user: str = ""
    workdir: str = ""
    read_only: bool = False
    writable: tuple[str, ...] = ()
    memory: int = 0

    @property
    def running(self) -> bool:
        """Whether the container's process is alive."""
        return self.state == "running"


def inspection_of(raw: dict[str, Any], **more: Any) -> ContainerInspection:
    """Return the inspection for `docker inspect` output, with `more` that is found otherwise."""
    state, config, host = raw["State"], raw.get("Config") or {}, raw.get("HostConfig") or {}
    health = state.get("Health") or {}
    mounts = [str(one.get("Destination")) for one in raw.get("Mounts") or () if one.get("RW")]
    return ContainerInspection(
        state=state["Status"],
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        error=state.get("Error") or "",
        lived=None if state.get("Running") else _between(state.get("StartedAt"), state.get("FinishedAt")),
        health=health.get("Status") or "",
        health_log=tuple(
            Health(exit_code=int(one.get("ExitCode") or 0), output=" ".join((one.get("Output") or "").split()))
            for one in (health.get("Log") or ())[-_HEALTH_KEPT:]
        ),
        health_test=_health_test(config),
        command=(raw.get("Path") or "", *(raw.get("Args") or ())),
        user=config.get("User") or "",
        workdir=config.get("WorkingDir") or "/",
        read_only=bool(host.get("ReadonlyRootfs")),
        writable=tuple(sorted({*(host.get("Tmpfs") or {}), *mounts})),
        memory=int(host.get("Memory") or 0),
        **more,
    )


def _health_test(config: dict[str, Any]) -> HealthTest | None:
    test = config.get("Healthcheck") or {}
    kind, *words = test.get("Test") or ["NONE"]
    if kind not in ("CMD", "CMD-SHELL") or not words:
        return None
    shell = config.get("Shell") or ("/bin/sh", "-c")
    return HealthTest(
        command=tuple(words) if kind == "CMD" else (*shell, *words),
        timeout=(test.get("Timeout") or 0) / _NANOSECONDS or _HEALTH_SECONDS,
        start_period=(test.get("StartPeriod") or 0) / _NANOSECONDS,
        retries=test.get("Retries") or _HEALTH_RETRIES,
    )


def sockets_in_host_proc(pid: int, container_id: str, *, proc: Path = _HOST_PROC) -> tuple[Socket, ...] | None:
    """Return the sockets that listen in the network of process `pid`; None unless it belongs to that container.

    The engine may run on another machine; then the same process id here is an unrelated process.
    """
    folder = proc / str(pid)
    try:
        if not is_in_container(pid, container_id, proc=proc):
            return None
        return sockets_of("".join((folder / table).read_text() for table in _TABLES if (folder / table).exists()))
    except OSError:
        return None


def is_in_container(pid: int, container_id: str, *, proc: Path = _HOST_PROC) -> bool:
    """Return whether a process of this machine belongs to a container; raise `OSError` if that cannot be read."""
    return pid > 0 and container_id in (proc / str(pid) / "cgroup").read_text()


def sockets_of(text: str) -> tuple[Socket, ...]:
    """Return the listening sockets in the text of /proc/net/tcp and tcp6, without Docker's own DNS resolver."""
    return tuple(sorted(set(_listening(text))))


def _listening(text: str) -> Iterator[Socket]:
    for row in parse_sockets(text):
        if row.listens and (address := _address(row.address)) != _DOCKERS_RESOLVER:
            yield Socket(port=row.port, address=str(address))


def _address(digits: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address from the kernel's notation: words of 32 bits, each little-endian."""
    words = (bytes.fromhex(digits[at : at + _WORD])[::-1] for at in range(0, len(digits), _WORD))
    return ipaddress.ip_address(b"".join(words))


def _between(started: str | None, finished: str | None) -> float | None:
    """Return the seconds between two of the engine's times; None if one of them is missing."""
    try:
        first, last = engine_time(started or ""), engine_time(finished or "")
    except ValueError:
        return None
    seconds = (last - first).total_seconds()
    return None if first.year == 1 or seconds < -1 else max(seconds, 0.0)
