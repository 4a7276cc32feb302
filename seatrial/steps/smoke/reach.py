"""Whether this machine reaches the ports that the engine publishes."""

from __future__ import annotations

import socket
from pathlib import Path

from seatrial.engine.endpoint import LOOPBACK
from seatrial.engine.model import Container
from seatrial.engine.protocol import Engine
from seatrial.errors import Unavailable
from seatrial.host.sockets import parse_sockets

__all__ = ["require_reachable"]

_SECONDS = 3
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def require_reachable(engine: Engine, container: Container, inside: int, port: int) -> None:
    """Raise `Unavailable` if a running container's published port cannot be reached from here.

    The engine listens on a published port before the app does, so nothing has to be waited for. `inside` is the port
    that the app listens on in the container.
    """
    host = engine.published_host
    local = host == LOOPBACK
    for _ in range(2):  # the app may have begun to listen between a refused connection and the look into its container
        reason = _refusal(host, port)
        if not reason or (local and _listens_here(port)):
            return
        now = engine.inspect_container(container.id)
        if now is None or not now.running:
            return  # it has ended, and the engine does not publish its port any more
        if not local and now.sockets is not None and inside not in {one.port for one in now.sockets}:
            return  # without its userland proxy, the engine does not listen itself
    raise Unavailable(
        f"the port that the engine publishes cannot be reached at {host}:{port}",
        reason=f"{reason}; the app runs, but the engine at {engine.endpoint} is in another network than this process",
        hint="give the pipeline's container --network host"
        if local
        else f"run it on {host}, or let this machine reach the ports of {host}",
        cause="port-unreachable",
    )


def _refusal(host: str, port: int) -> str:
    """Return why a connection fails; empty if it does not."""
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _listens_here(port: int) -> bool:
    """Return whether a socket of this network listens on a port; true where that is unknown."""
    tables = [table.read_text("ascii") for table in _TABLES if table.exists()]
    return not tables or any(row.listens and row.port == port for text in tables for row in parse_sockets(text))
