"""The TCP connections of this machine, as the kernel lists them."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

__all__ = ["connected_to", "drained"]

_TABLE = Path("/proc/net/tcp")
_ESTABLISHED = "01"
_LOOK_AGAIN_SECONDS = 0.02
_ON_THEIR_WAY_SECONDS = 0.05


def connected_to(host: str, port: int) -> int:
    """Give how many connections from here to an IPv4 address and port are established; 0 where it cannot be told."""
    try:
        rows = _TABLE.read_text("ascii").splitlines()[1:]
        address = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    except OSError:
        return 0
    wanted = f"{address:08X}:{port:04X}"
    return sum(1 for fields in map(str.split, rows) if fields[2] == wanted and fields[3] == _ESTABLISHED)


def drained(host: str, port: int, *, seconds: float) -> bool:
    """Wait until no connection to an address is left, at most `seconds`; whether none is.

    What has just been accepted may not have got through to there yet, so that this takes a moment in any case.
    """
    deadline = time.monotonic() + seconds
    time.sleep(min(_ON_THEIR_WAY_SECONDS, seconds))
    while connected_to(host, port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_AGAIN_SECONDS)
    return True
