"""Temporary unique names for this machine, as lines in /etc/hosts."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["etc_lock", "named"]

_ETC = Path("/etc")


@contextmanager
def etc_lock() -> Iterator[None]:
    """Lock /etc against changes by other test runs during the block."""
    descriptor = os.open(_ETC, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def named(address: str, hosts: Path = _ETC / "hosts") -> Iterator[str]:
    """Yield a host name that resolves to `address` during the block; `OSError` if the file cannot be written."""
    name = f"t{secrets.token_hex(5)}.test"
    line = f"{address} {name}\n".encode()
    # At the beginning, as the last line may have no line end.
    with etc_lock():
        _rewrite(hosts, line + hosts.read_bytes())
    try:
        yield name
    finally:
        with etc_lock():
            _rewrite(hosts, hosts.read_bytes().replace(line, b"", 1))


def _rewrite(file: Path, content: bytes) -> None:
    """Replace a file's content by one write, in place: in a container it is a mount and cannot be replaced."""
    with file.open("r+b", buffering=0) as opened:
        # Overwrite the rest with empty lines before truncating, so that nobody reads the old end after the new content.
        opened.write(content.ljust(file.stat().st_size, b"\n"))
        opened.truncate(len(content))
