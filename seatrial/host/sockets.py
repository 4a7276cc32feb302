"""The TCP sockets of a machine, as the kernel lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["TcpSocket", "parse_sockets"]

_LISTENING = "0A"
_END = r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})"
_ROW = re.compile(rf"\s*\d+: {_END} [0-9A-F:]+ ([0-9A-F]{{2}}) ")
_INODE = 9


@dataclass(frozen=True, kw_only=True)
class TcpSocket:
    """A TCP socket: its address in the kernel's hexadecimal words, its port, its state and its inode."""

    address: str
    port: int
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
            address, port, state = found.groups()
            fields = line.split()
            yield TcpSocket(
                address=address,
                port=int(port, 16),
                state=state,
                inode=fields[_INODE] if len(fields) > _INODE else "",
            )
