"""Scan an image's files for setuid or setgid bits and for what the app's user can change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from seatrial.engine.model import ImageFile

__all__ = ["Scan", "User", "scan"]

_MOST_PATHS = 20
_MOUNTED = ("/tmp", "/dev", "/proc", "/sys")  # noqa: S108  paths in an image
"""Folders that are mounted over while a container runs."""
_SETUID_OR_SETGID, _STICKY = 0o6000, 0o1000
_GROUP_WRITES, _OTHERS_WRITE = 0o020, 0o002
_NUMBERS = re.compile(r"(\d+)(?::(\d*))?")


class User(Struct, frozen=True, kw_only=True):
    """The user of a container: user id and group id."""

    uid: int
    gid: int

    @classmethod
    def parse(cls, text: str) -> User | None:
        """Return the user of a numeric USER instruction, or None if it is a name; without a group, the group is 0."""
        found = _NUMBERS.fullmatch(text)
        return cls(uid=int(found[1]), gid=int(found[2] or 0)) if found else None


class Scan(Struct, frozen=True, kw_only=True):
    """The findings in an image's files: the number of each kind, and its first 20 paths.

    `setuid` files run as their owner or group; `writable` files and folders can be changed by the app's user.
    """

    setuid_count: int = 0
    setuid: tuple[str, ...] = ()
    writable_count: int = 0
    writable: tuple[str, ...] = ()

    @classmethod
    def from_state(cls, recorded: Mapping[str, Any]) -> Scan:
        """Return a recorded scan; raise `KeyError` or `TypeError` if the record is damaged."""
        return cls(
            setuid_count=int(recorded["setuid_count"]),
            setuid=tuple(map(str, recorded["setuid"])),
            writable_count=int(recorded["writable_count"]),
            writable=tuple(map(str, recorded["writable"])),
        )


def scan(files: Iterable[ImageFile], user: User | None, mounted: tuple[str, ...] = ()) -> Scan:
    """Scan an image's files for what `user` can do with them; None counts as root.

    Root can change everything, so only files that are writable for all count then. Paths below `mounted` are hidden
    while the app runs and do not count, nor does a folder with the sticky bit that is writable for all.
    """
    setuid, writable = [], []
    covered = tuple(f"{path.rstrip('/')}/" for path in (*_MOUNTED, *mounted))
    for file in files:
        if file.kind == "file" and file.mode & _SETUID_OR_SETGID:
            setuid.append(file.path)
        if file.kind in ("file", "folder") and _may_write(file, user) and not f"{file.path}/".startswith(covered):
            writable.append(file.path)
    return Scan(
        setuid_count=len(setuid),
        setuid=tuple(sorted(setuid)[:_MOST_PATHS]),
        writable_count=len(writable),
        writable=tuple(sorted(writable)[:_MOST_PATHS]),
    )


def _may_write(file: ImageFile, user: User | None) -> bool:
    """Return whether a user can write to a file; its owner always can, after a chmod."""
    uid, gid = (user.uid, user.gid) if user and user.uid else (None, None)
    if file.uid == uid:
        return True
    if file.mode & _OTHERS_WRITE:
        return not (file.kind == "folder" and file.mode & _STICKY)
    return file.gid == gid and bool(file.mode & _GROUP_WRITES)
