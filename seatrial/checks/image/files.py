"""Scan an image's files for setuid or setgid bits and for what the app's user can change."""

from __future__ import annotations

import re

from msgspec import Struct

from seatrial.engine.model import ImageFile

__all__ = ["Findings", "Scan", "User"]

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

    def __add__(self, other: Scan) -> Scan:
        """Return the findings in the files of both."""
        return Scan(
            setuid_count=self.setuid_count + other.setuid_count,
            setuid=tuple(sorted((*self.setuid, *other.setuid))[:_MOST_PATHS]),
            writable_count=self.writable_count + other.writable_count,
            writable=tuple(sorted((*self.writable, *other.writable))[:_MOST_PATHS]),
        )


class Findings:
    """What `user` can do with an image's files; None counts as root.

    Root can change everything, so only files that are writable for all count then. Paths below `mounted` are hidden
    while the app runs and do not count, nor does a folder with the sticky bit that is writable for all.
    """

    def __init__(self, user: User | None, mounted: tuple[str, ...] = ()) -> None:
        self._user = user
        self._covered = tuple(f"{path.rstrip('/')}/" for path in (*_MOUNTED, *mounted))
        self._setuid: list[str] = []
        self._writable: list[str] = []

    def add(self, file: ImageFile) -> None:
        """Look at one file."""
        if file.kind == "file" and file.mode & _SETUID_OR_SETGID:
            self._setuid.append(file.path)
        if file.kind in ("file", "folder") and self._may_write(file) and not f"{file.path}/".startswith(self._covered):
            self._writable.append(file.path)

    @property
    def scan(self) -> Scan:
        """What was found in the files so far."""
        return Scan(
            setuid_count=len(self._setuid),
            setuid=tuple(sorted(self._setuid)[:_MOST_PATHS]),
            writable_count=len(self._writable),
            writable=tuple(sorted(self._writable)[:_MOST_PATHS]),
        )

    def _may_write(self, file: ImageFile) -> bool:
        """Return whether a user can write to a file; its owner always can, after a chmod."""
        uid, gid = (self._user.uid, self._user.gid) if self._user and self._user.uid else (None, None)
        if file.uid == uid:
            return True
        if file.mode & _OTHERS_WRITE:
            return not (file.kind == "folder" and file.mode & _STICKY)
        return file.gid == gid and bool(file.mode & _GROUP_WRITES)
