"""Find the container or process that uses a port."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send
from seatrial.engine.endpoint import LOOPBACK
from seatrial.engine.model import Container
from seatrial.host.sockets import parse_sockets

__all__ = ["find_port_owner"]

_PROC = Path("/proc")
_AIRPLAY = "macOS's AirPlay Receiver (System Settings, General, AirDrop & Handoff)"


def find_port_owner(
    containers: Sequence[Container], port: int, *, host: str = LOOPBACK, proc: Path = _PROC
) -> str | None:
    """Return a description of the container or process that listens on a TCP port, or None if nothing does.

    `host` is where the engine publishes ports; the processes of another machine than this one are not known.

    Without /proc, as on macOS, only an HTTP response can show the owner: macOS itself uses port 5000 for AirPlay.
    """
    for container in containers:
        if container.state in ("running", "paused") and container.publishes(port):
            return f"the container {container.name}"
    for inode, pid in _listeners(port, proc) if host == LOOPBACK else ():
        if pid is not None:
            return f"process {pid} ({_command(pid)})"
        return f"another user's process (socket {inode})"
    if not _answers(host, port):
        return None
    return _AIRPLAY if "AirTunes" in _server(host, port) else "another program"


def _server(host: str, port: int) -> str:
    """Return the Server header of a server, empty if it sends none."""
    try:
        return send(BaseUrl(host=host, port=port), Request(), seconds=1).headers.get("server", "")
    except OSError:
        return ""


def _listeners(port: int, proc: Path) -> list[tuple[str, int | None]]:
    """Return the inodes of the sockets that listen on a port, each with its process id, or None if it is hidden."""
    inodes: list[str] = []
    for table in ("net/tcp", "net/tcp6"):
        try:
            text = (proc / table).read_text("ascii")
        except OSError:
            continue
        inodes += [row.inode for row in parse_sockets(text) if row.listens and row.port == port]
    return [(inode, _owner(inode)) for inode in inodes]


def _owner(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for folder in _PROC.glob("[0-9]*"):
        try:
            if any(str(link.readlink()) == wanted for link in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue  # the process has ended, or belongs to another user
    return None


def _command(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "ended"


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        return False
    return True
