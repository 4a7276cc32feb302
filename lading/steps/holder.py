"""Who holds a port of this machine: a container, or a process."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from lading.engine import Engine

__all__ = ["port_holder"]

_LISTENING = "0A"
_PROC = Path("/proc")


def port_holder(engine: Engine, port: int) -> str | None:
    """Say in words who listens on a TCP port, or nothing when nobody does or it cannot be told."""
    for container in engine.containers({}):
        if container.running and port in container.ports.values():
            return f"the container {container.name}"
    for inode, pid in _listeners(port):
        if pid is not None:
            return f"process {pid} ({_command(pid)})"
        return f"another user's process (socket {inode})"
    return "another program" if _answers(port) else None


def _listeners(port: int) -> list[tuple[str, int | None]]:
    """Give the sockets that listen on a port, and the process of each where /proc shows it to us."""
    inodes = []
    for table in ("net/tcp", "net/tcp6"):
        try:
            rows = (_PROC / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.append(fields[9])
    return [(inode, _owner(inode)) for inode in inodes]


def _owner(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for folder in _PROC.glob("[0-9]*"):
        try:
            if any(str(link.readlink()) == wanted for link in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue  # it ended, or it is not ours to look at
    return None


def _command(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "ended"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
