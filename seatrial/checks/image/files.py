"""What an image's files let an app do: become somebody else, or change what it runs from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.engine.model import ImageFile

__all__ = ["Scan", "User", "scan"]

_MOST = 20
_MOUNTED = ("/tmp", "/dev", "/proc", "/sys")  # noqa: S108  paths in an image
"""Where something else lies over the image's files while a container runs."""
_SETUID_OR_SETGID, _STICKY = 0o6000, 0o1000
_GROUP_WRITES, _OTHERS_WRITE = 0o020, 0o002
_NUMBERS = re.compile(r"(\d+)(?::(\d*))?")


@dataclass(frozen=True, kw_only=True)
class User:
    """A user as a container gets it: its number and its group's."""

    uid: int
    gid: int

    @classmethod
    def parse(cls, text: str) -> User | None:
        """Return the user that USER names by its number, or None; without a group it is in group 0."""
        found = _NUMBERS.fullmatch(text)
        return cls(uid=int(found[1]), gid=int(found[2] or 0)) if found else None


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What was found among an image's files: how many there are of a kind, and the first 20 paths of them.

    `setuid` are files that run as their owner or group, `writable` what the app's user may change.
    """

    setuid_count: int = 0
    setuid: tuple[str, ...] = ()
    writable_count: int = 0
    writable: tuple[str, ...] = ()

    @classmethod
    def from_state(cls, recorded: Mapping[str, Any]) -> Scan:
        """Return the scan that was noted; `KeyError` or `TypeError` when the note is damaged."""
        return cls(
            setuid_count=int(recorded["setuid_count"]),
            setuid=tuple(map(str, recorded["setuid"])),
            writable_count=int(recorded["writable_count"]),
            writable=tuple(map(str, recorded["writable"])),
        )


def scan(files: Iterable[ImageFile], user: User | None, mounted: tuple[str, ...] = ()) -> Scan:
    """Look through an image's files as `user` (None is taken for root, who may change everything anyway).

    For root only what everybody may write counts. What lies below `mounted` is not seen while the app runs. A folder
    in which everybody writes and nobody takes away what is another's (sticky) is as it should be.
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
        setuid=tuple(sorted(setuid)[:_MOST]),
        writable_count=len(writable),
        writable=tuple(sorted(writable)[:_MOST]),
    )


def _may_write(file: ImageFile, user: User | None) -> bool:
    """Return whether a user may write there; who owns a file can give himself the right to."""
    uid, gid = (user.uid, user.gid) if user and user.uid else (None, None)
    if file.uid == uid:
        return True
    if file.mode & _OTHERS_WRITE:
        return not (file.kind == "folder" and file.mode & _STICKY)
    return file.gid == gid and bool(file.mode & _GROUP_WRITES)
