"""Read files that somebody else wrote: a pipe or a device is not opened for good, and no file fills the memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

__all__ = ["read_pieces", "read_regular_file"]

_PIECE = 1024 * 1024


def read_regular_file(path: Path, *, limit: int = 1024 * 1024) -> bytes:
    """Return the content of a regular file of at most `limit` bytes; raise `OSError` for anything else."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return content


def read_pieces(path: str, size: int) -> Iterator[bytes]:
    """Yield the first `size` bytes of a file, or all if it has fewer; `open` takes longer than reading a small file."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while size and (piece := os.read(handle, min(size, _PIECE))):
            size -= len(piece)
            yield piece
    finally:
        os.close(handle)
