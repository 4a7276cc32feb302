"""A build context as a tar stream, the same on every machine."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from seatrial.errors import UsageError
from seatrial.sources.context import Context, unreadable
from seatrial.sources.inputs import sent_mode

__all__ = ["stream"]

_CHUNK: Final = 1024 * 1024
_BLOCK: Final = tarfile.BLOCKSIZE


def stream(
    context: Context, extra: Mapping[str, bytes], *, mtime: int | None = None, digests: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """Yield a tar of a context, and of `extra` (names to contents, in place of an entry of that name), piece by piece.

    Modes are 755 or 644 and owners root, whatever they are here, so that the image does not depend on the machine;
    `mtime`, in seconds, stands in for every file's own. GNU format with whole seconds: a leading PAX header would
    keep BuildKit from seeing that it is a tar. Raises `UsageError` for a file that cannot be read, changes, or is not
    what `digests` (paths to what `entry_digest` gave) say.
    """
    buffer = bytearray()
    for piece in _pieces(context, extra, mtime, digests or {}):
        buffer += piece
        if len(buffer) >= _CHUNK:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer + bytes(2 * _BLOCK))


def _pieces(
    context: Context, extra: Mapping[str, bytes], mtime: int | None, digests: Mapping[str, str]
) -> Iterator[bytes]:
    # Extra comes first: a long name's header would keep BuildKit from seeing that it is a tar, as PAX would.
    for name, content in extra.items():
        yield _header(name, mtime=mtime or 0, mode=0o644, size=len(content))
        yield content + _padding(len(content))
    for name, status in context.entries.items():
        if name not in extra:
            yield from _entry(context.folder / name, name, status, mtime, digests.get(name, ""))


def _entry(path: Path, name: str, status: os.stat_result, mtime: int | None, digest: str) -> Iterator[bytes]:
    seconds = int(status.st_mtime) if mtime is None else mtime
    try:
        if stat.S_ISDIR(status.st_mode):
            yield _header(f"{name}/", type=tarfile.DIRTYPE, mtime=seconds, mode=0o755)
        elif stat.S_ISLNK(status.st_mode):
            yield _header(name, type=tarfile.SYMTYPE, mtime=seconds, mode=0o777, linkname=str(path.readlink()))
        else:
            yield _header(name, mtime=seconds, mode=sent_mode(status.st_mode), size=status.st_size)
            yield from _content(path, status.st_size, digest.rpartition(":")[2])
    except OSError as error:
        raise unreadable(path, error) from error


def _content(path: Path, size: int, digest: str) -> Iterator[bytes]:
    left, seen = size, hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while left and (piece := file.read(min(left, _CHUNK))):
            left -= len(piece)
            if digest:
                seen.update(piece)
            yield piece
        if left or file.read(1) or (digest and seen.hexdigest() != digest):
            raise UsageError(
                f"{path} changed while it was sent",
                reason="it is not what it was when the context was read",
                hint="wait until nobody writes there, then run it again",
            )
    yield _padding(size)


def _header(name: str, **fields: bytes | int | str) -> bytes:
    entry = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
