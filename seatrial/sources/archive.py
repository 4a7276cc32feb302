"""A build context as a tar stream, the same on every machine."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from seatrial.errors import UsageError
from seatrial.sources.context import Context, unreadable
from seatrial.sources.inputs import sent_mode

__all__ = ["stream"]

_CHUNK: Final = 1024 * 1024
_BLOCK: Final = tarfile.BLOCKSIZE


def stream(
    context: Context,
    extra: Mapping[str, bytes],
    *,
    mtime: int | None = None,
    digests: Mapping[str, str] | None = None,
    grown: Callable[[str], None] = lambda _: None,
) -> Iterator[bytes]:
    """Yield a tar of a build context in chunks; `extra` maps names to contents that are added or replace an entry.

    Modes are 755 or 644 and the owner is root, so that the image does not depend on this machine. `mtime`, in seconds,
    replaces every file's own time. The format is GNU with whole seconds: BuildKit does not recognise a tar that begins
    with a PAX header. A file that has grown since the context was read is sent as it was then, and `grown` is called
    with its path. Raise `UsageError` for a file that cannot be read, has become shorter, or does not match `digests`
    (path to the result of `entry_digest`).
    """
    buffer = bytearray()
    for block in _blocks(context, extra, mtime, digests or {}, grown):
        buffer += block
        if len(buffer) >= _CHUNK:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer + bytes(2 * _BLOCK))


def _blocks(
    context: Context,
    extra: Mapping[str, bytes],
    mtime: int | None,
    digests: Mapping[str, str],
    grown: Callable[[str], None],
) -> Iterator[bytes]:
    # Extra comes first: BuildKit does not recognise a tar that begins with the header of a long name either.
    for name, content in extra.items():
        yield _header(name, mtime=mtime or 0, mode=0o644, size=len(content))
        yield content + _padding(len(content))
    for name, status in context.entries.items():
        if name not in extra:
            yield from _entry(context.folder / name, name, status, mtime, digests.get(name, ""))
            if stat.S_ISREG(status.st_mode) and (context.folder / name).lstat().st_size > status.st_size:
                grown(name)


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
    left, actual = size, hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while left and (chunk := file.read(min(left, _CHUNK))):
            left -= len(chunk)
            if digest:
                actual.update(chunk)
            yield chunk
        if left or (digest and actual.hexdigest() != digest):
            raise UsageError(
                f"{path} changed while it was being sent",
                reason="its content differs from when the build context was read",
                hint="wait until no program writes to it, then run it again",
            )
    yield _padding(size)


def _header(name: str, **fields: bytes | int | str) -> bytes:
    entry = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
