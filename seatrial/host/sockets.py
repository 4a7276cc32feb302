"""The TCP sockets of a machine, as the kernel lists them."""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TcpSocket", "count_connections", "parse_sockets", "wait_until_drained"]

_TABLE = Path("/proc/net/tcp")
_ESTABLISHED, _LISTENING = "01", "0A"
_END = r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})"
_ROW = re.compile(rf"\s*\d+: {_END} {_END} ([0-9A-F]{{2}}) ")
_INODE = 9
_POLL_SECONDS = 0.02
_IN_FLIGHT_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class TcpSocket:
    """A TCP socket: its own end and the other one, each address in the kernel's hexadecimal words, and its inode."""

    address: str
    port: int
    peer: str
    peer_port: int
    state: str
    inode: str

    @property
    def listens(self) -> bool:
        """Whether it waits for connections."""
        return self.state == _LISTENING


def parse_sockets(text: str) -> Iterator[TcpSocket]:
    """Yield the sockets in the text of /proc/net/tcp or tcp6, or of both; what is no such line is left out."""
    for line in text.splitlines():
        if found := _ROW.match(line):
            address, port, peer, peer_port, state = found.groups()
            fields = line.split()
            yield TcpSocket(
                address=address,
                port=int(port, 16),
                peer=peer,
                peer_port=int(peer_port, 16),
                state=state,
                inode=fields[_INODE] if len(fields) > _INODE else "",
            )


def count_connections(remote: Iterable[tuple[str, int]], local_ports: Collection[int]) -> int:
    """Return the number of connections established to `remote` addresses, and on our `local_ports`.

    0 where it cannot be told. Near ones count from the moment the kernel takes them, before any program does.
    """
    try:
        text = _TABLE.read_text("ascii")
        ends = {(f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}", port) for host, port in remote}
    except OSError:
        return 0
    sockets = (row for row in parse_sockets(text) if row.state == _ESTABLISHED)
    return sum((row.peer, row.peer_port) in ends or row.port in local_ports for row in sockets)


def wait_until_drained(remote: Iterable[tuple[str, int]], local_ports: Collection[int], *, seconds: float) -> bool:
    """Wait until no connection is left to `remote` addresses or on `local_ports`, at most `seconds`; whether none is.

    What was taken on a near port may be on its way to a far address, so that this takes a moment in any case.
    """
    deadline = time.monotonic() + seconds
    time.sleep(min(_IN_FLIGHT_SECONDS, seconds))
    while count_connections(remote, local_ports):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
