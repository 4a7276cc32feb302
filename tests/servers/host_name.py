"""Names for this machine that nobody else has, as lines in /etc/hosts that go away again."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["alone", "named"]

_ETC = Path("/etc")


@contextmanager
def alone() -> Iterator[None]:
    """Let no other test run change anything below /etc meanwhile."""
    descriptor = os.open(_ETC, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def named(address: str, hosts: Path = _ETC / "hosts") -> Iterator[str]:
    """Yield a host name that means this address until the context is left; `OSError` where the file is not ours."""
    name = f"t{secrets.token_hex(5)}.test"
    line = f"{address} {name}\n".encode()
    # In front: the last line may have no end.
    with alone():
        _rewrite(hosts, line + hosts.read_bytes())
    try:
        yield name
    finally:
        with alone():
            _rewrite(hosts, hosts.read_bytes().replace(line, b"", 1))


def _rewrite(file: Path, content: bytes) -> None:
    """Return a file other content in one write; in place, as in a container it is a mount and cannot be replaced."""
    with file.open("r+b", buffering=0) as opened:
        # Empty lines over what is cut off next, so that nobody reads the end of the old content after the new one.
        opened.write(content.ljust(file.stat().st_size, b"\n"))
        opened.truncate(len(content))
