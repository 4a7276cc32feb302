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
from seatrial.host.regular_files import read_pieces
from seatrial.sources.context import Context, unreadable
from seatrial.sources.inputs import sent_mode

__all__ = ["file_content", "link_target", "stream"]

_CHUNK: Final = 1024 * 1024
_BLOCK: Final = tarfile.BLOCKSIZE
_BLANKS: Final = b" " * 8  # instead of the checksum while it is computed
_SECOND: Final = 1_000_000_000
_LARGEST: Final = 8**11 - 1  # what fits into a header's field


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
    with a PAX header. `digests` maps paths to results of `entry_digest`; `file_content` says what is checked.
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
    for name in context.entries:
        if name not in extra:
            yield from _entry(context, name, mtime, digests.get(name, ""), grown)


def _entry(
    context: Context, name: str, mtime: int | None, digest: str, grown: Callable[[str], None]
) -> Iterator[bytes]:
    status = context.entries[name]
    seconds = status.modified // _SECOND if mtime is None else mtime
    if stat.S_ISDIR(status.mode):
        yield _header(f"{name}/", kind=tarfile.DIRTYPE, mtime=seconds, mode=0o755)
    elif stat.S_ISLNK(status.mode):
        target = link_target(context.folder / name)
        yield _any_header(name, mtime=seconds, mode=0o777, type=tarfile.SYMTYPE, linkname=target)
    else:
        yield _header(name, mtime=seconds, mode=sent_mode(status.mode), size=status.size)
        yield from file_content(context, name, digest, grown)
        yield _padding(status.size)


def file_content(context: Context, name: str, digest: str, grown: Callable[[str], None]) -> Iterator[bytes]:
    """Yield the content of a file of a build context in pieces.

    A file that has grown since the context was read is sent as it was then, and `grown` is called with its name. Raise
    `UsageError` for a file that cannot be read, has become shorter, or does not match `digest`, unless that is empty.
    """
    path, size = f"{context.folder}/{name}", context.entries[name].size
    wanted, left, actual = digest.rpartition(":")[2], size, hashlib.sha256()
    try:
        for piece in read_pieces(path, size):
            left -= len(piece)
            if wanted:
                actual.update(piece)
            yield piece
        if os.lstat(path).st_size > size:
            grown(name)
    except OSError as error:
        raise unreadable(Path(path), error) from error
    if left or (wanted and actual.hexdigest() != wanted):
        raise UsageError(
            f"{path} changed while it was being sent",
            reason="its content differs from when the build context was read",
            hint="wait until no program writes to it, then run it again",
        )


def link_target(path: Path) -> str:
    """Return where a link of a build context leads; raise `UsageError` if it cannot be read."""
    try:
        return str(path.readlink())
    except OSError as error:
        raise unreadable(path, error) from error


def _header(name: str, *, mtime: int, mode: int, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    raw = os.fsencode(name)
    if len(raw) > tarfile.LENGTH_NAME or not 0 <= mtime <= _LARGEST or size > _LARGEST:
        return _any_header(name, mtime=mtime, mode=mode, size=size, type=kind)
    # The usual case, which takes tarfile longer than reading a small file.
    nobody = b"0000000\0"
    numbers = b"%07o\0%b%b%011o\0%011o\0" % (mode, nobody, nobody, size, mtime)
    checksum = sum(raw) + sum(numbers) + sum(_BLANKS) + sum(kind) + sum(tarfile.GNU_MAGIC)
    head = b"%b%b%06o\0 %b%b%b" % (raw.ljust(100, b"\0"), numbers, checksum, kind, bytes(100), tarfile.GNU_MAGIC)
    return head.ljust(_BLOCK, b"\0")


def _any_header(name: str, **fields: bytes | int | str) -> bytes:
    entry = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
