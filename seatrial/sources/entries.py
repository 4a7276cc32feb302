"""The entries of a build context and what tells them from what they were before, packed to be compared in one piece."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Self

from msgspec import Struct, msgpack

__all__ = ["FileStatus", "PackedEntries", "pack", "unpack"]


class FileStatus(Struct, frozen=True, gc=False, array_like=True):
    """What tells a file, folder or link from what it was before: size in bytes, times in nanoseconds, inode, mode.

    A context may have very many, and this takes a tenth of the memory of the system's own status.
    """

    size: int
    modified: int
    changed: int
    inode: int
    mode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """Return the part of the system's status that counts."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode)


class PackedEntries(Struct, frozen=True, dict=True, array_like=True):
    """The paths of a context's entries in their order, the status of each, and what cannot be sent.

    Equal ones are the same bytes, so that thousands of files are compared and saved without a look at each.
    """

    paths: bytes = b""
    statuses: bytes = msgpack.encode(())
    left_out: bytes = b""

    @classmethod
    def of(cls, found: Mapping[str, FileStatus], left_out: Iterable[str] = ()) -> Self:
        """Pack entries, in any order."""
        ordered = {path: found[path] for path in sorted(found)}
        packed = cls(pack(ordered), msgpack.encode(list(ordered.values())), pack(sorted(left_out)))
        vars(packed)["unpacked"] = ordered  # at hand
        return packed

    @staticmethod
    def decode(saved: bytes) -> PackedEntries:
        """Return what `encode` has made bytes of."""
        return _ENTRIES.decode(saved)

    def encode(self) -> bytes:
        """Return all three as bytes."""
        return msgpack.encode(self)

    @cached_property
    def unpacked(self) -> dict[str, FileStatus]:
        """The status of each path."""
        return dict(zip(unpack(self.paths), _STATUSES.decode(self.statuses), strict=True))


# A decoder is made when its module is loaded: msgspec crashes if two threads prepare a type at the same time.
_ENTRIES, _STATUSES = msgpack.Decoder(PackedEntries), msgpack.Decoder(list[FileStatus])


def pack(texts: Iterable[str]) -> bytes:
    """Return texts, such as paths, as bytes; no path has a zero byte in it."""
    return os.fsencode("\0".join(texts))


def unpack(packed: bytes) -> list[str]:
    """Return the texts that `pack` was given, unless it was a single empty one."""
    return os.fsdecode(packed).split("\0") if packed else []
