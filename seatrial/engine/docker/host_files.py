"""The files of a running container, as this machine's kernel shows them to root: the engine has nothing to send."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Generator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from seatrial.engine.inspection import is_in_container
from seatrial.engine.model import FileKind, ImageFile

__all__ = ["HostFiles"]

_HOST_PROC: Final = Path("/proc")
_SAME_IDS: Final = ["0", "0", "4294967295"]
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_KINDS: Final[Mapping[int, FileKind]] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


class HostFiles(Struct, frozen=True, kw_only=True):
    """A folder of a container, open as `root`; `path` is its path there. What is at `mounted` paths is not shown."""

    root: int
    path: str
    mounted: frozenset[str]

    @classmethod
    def of(cls, raw: Mapping[str, Any], folder: str, *, proc: Path = _HOST_PROC) -> HostFiles | None:
        """Return the files of a container in the engine's description, or of one of its folders.

        None if they cannot be read here: it does not run, or on another machine, it has volumes, which hide files of
        the image, its owners are remapped, this is not root's process, or the path of the folder has a link.
        """
        with suppress(OSError, KeyError, TypeError, ValueError):
            pid, process = int(raw["State"]["Pid"]), proc / str(raw["State"]["Pid"])
            if raw["Mounts"] or os.geteuid():  # the container's own user could open it, and not read all of it
                return None
            if any((process / name).read_text().split() != _SAME_IDS for name in ("uid_map", "gid_map")):
                return None
            mounted = frozenset(_mount_points((process / "mountinfo").read_text()))
            root = os.open(process / "root", os.O_RDONLY | os.O_DIRECTORY)
            try:
                if not is_in_container(pid, raw["Id"], proc=proc):  # now: the number may have been another process's
                    raise ProcessLookupError(pid)
                for part in filter(None, folder.split("/")):
                    above, root = root, os.open(part, _FOLDER, dir_fd=root)
                    os.close(above)
            except OSError:
                os.close(root)
                return None
            return cls(root=root, path=folder, mounted=mounted)
        return None

    def read(self) -> Generator[ImageFile, None, None]:
        """Yield the files, and close the folder; raise `OSError` for one that cannot be read."""
        try:
            if self.path:
                yield _image_file(self.path, os.fstat(self.root), "")
            yield from self._in(self.root, self.path)
        finally:
            os.close(self.root)

    def _in(self, folder: int, path: str) -> Generator[ImageFile, None, None]:
        with os.scandir(folder) as entries:
            for entry in entries:
                place = f"{path}/{entry.name}"
                if place in self.mounted:
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                    target = os.readlink(entry.name, dir_fd=folder) if stat.S_ISLNK(status.st_mode) else ""
                    inner = os.open(entry.name, _FOLDER, dir_fd=folder) if stat.S_ISDIR(status.st_mode) else None
                except FileNotFoundError:
                    continue  # the app has just deleted it, and the engine would not send it either
                try:
                    yield _image_file(place, status, target)
                    if inner is not None:
                        with closing(self._in(inner, place)) as files:
                            yield from files
                finally:
                    if inner is not None:
                        os.close(inner)


def _image_file(path: str, status: os.stat_result, target: str) -> ImageFile:
    mode = status.st_mode
    kind = _KINDS.get(stat.S_IFMT(mode), "other")
    return ImageFile(path=path, mode=stat.S_IMODE(mode), uid=status.st_uid, gid=status.st_gid, kind=kind, target=target)


def _mount_points(text: str) -> list[str]:
    """Return the mount points in the text of /proc/PID/mountinfo, besides the root."""
    points = (line.split(" ")[4] for line in text.splitlines())
    return [_OCTAL.sub(lambda found: chr(int(found[1], 8)), point) for point in points if point != "/"]
