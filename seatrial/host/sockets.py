"""The TCP sockets of a machine, as the kernel lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

__all__ = ["TcpSocket", "parse_sockets"]

_LISTENING = "0A"
_ENDPOINT = r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})"
_ROW = re.compile(rf"\s*\d+: {_ENDPOINT} [0-9A-F:]+ ([0-9A-F]{{2}}) ")
_INODE = 9  # the position of the inode in a line


class TcpSocket(Struct, frozen=True, kw_only=True):
    """A TCP socket: its address and state in hexadecimal as the kernel writes them, its port and its inode."""

    address: str
    port: int
    state: str
    inode: str

    @property
    def listens(self) -> bool:
        """Whether it waits for connections."""
        return self.state == _LISTENING


def parse_sockets(text: str) -> Iterator[TcpSocket]:
    """Yield the sockets in the text of /proc/net/tcp, /proc/net/tcp6 or both; other lines are skipped."""
    for line in text.splitlines():
        if found := _ROW.match(line):
            address, port, state = found.groups()
            fields = line.split()
            yield TcpSocket(
                address=address,
                port=int(port, 16),
                state=state,
                inode=fields[_INODE] if len(fields) > _INODE else "",
            )
