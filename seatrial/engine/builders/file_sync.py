"""A build context as BuildKit reads it in a session: first a list of all files, then what it asks for.

The messages are those of tonistiigi/fsutil. The sender lists everything (STAT); the receiver compares that with the
files that it has kept from earlier builds, asks for others by their place in the list (REQ), and gets them (DATA).
"""

from __future__ import annotations

import os
import posixpath
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from msgspec import Struct

from seatrial.engine.builders.grpc_server import CallFailed, Code
from seatrial.engine.builders.protobuf import message_classes
from seatrial.engine.model import BuildRequest
from seatrial.errors import SeatrialError
from seatrial.sources.archive import file_content, link_target
from seatrial.sources.inputs import sent_mode

__all__ = ["Entry", "FileSync", "context_entries", "file_entry", "select"]

_MESSAGES: Final = {
    # Names are bytes here: those of files need not be UTF-8.
    "Stat": "bytes path = 1; int64 mode = 2; int64 size = 5; int64 time = 6; bytes link = 7",
    "Packet": "int64 type = 1; Stat stat = 2; int64 id = 3; bytes data = 4",
}
_STAT, _REQ, _DATA, _FIN, _ERR = range(5)
_FOLDER, _LINK = 1 << 31, 1 << 27  # Go's bits of a file's mode
_SECOND: Final = 1_000_000_000
_AT_ONCE: Final = 10_000_000
"""Nanoseconds: a program that writes a file changes both its times at once."""
_FRACTION: Final = 12  # digits of a digest, more than enough for the nanoseconds in a second
_WILDCARDS: Final = frozenset("*?[\\")


class Entry(Struct, frozen=True):
    """A file, folder or link: its path, Go's mode, size, time in nanoseconds, the link's target.

    `content` returns the content of the file at a path.
    """

    path: bytes
    mode: int
    size: int = 0
    time: int = 0
    link: bytes = b""
    content: Callable[[bytes], Iterator[bytes]] | None = None


class FileSync:
    """One transfer of a tree of files.

    `entries` are sorted as the receiver wants them: a folder before what is in it. `failed` is called with the error
    if a file cannot be read.
    """

    def __init__(self, entries: Sequence[Entry], failed: Callable[[SeatrialError], None]) -> None:
        self.done = False
        self._entries = entries
        self._failed = failed
        self._classes: dict[str, Any] = _classes()

    def opened(self) -> Iterator[bytes]:
        """Yield the list of all files, which ends with an empty entry."""
        packet = self._classes["Packet"]()
        details = packet.stat  # the same message for all: to make one takes longer than to fill it
        for one in self._entries:
            details.path, details.mode, details.size = one.path, one.mode, one.size
            details.time, details.link = one.time, one.link
            yield packet.SerializeToString()
        yield self._classes["Packet"]().SerializeToString()

    def received(self, message: bytes) -> Iterator[bytes]:
        """Return the content of a file that is asked for, or the last message."""
        packet = self._classes["Packet"].FromString(message)
        if packet.type == _REQ and packet.id < len(self._entries):
            one = self._entries[packet.id]
            if one.content:
                return self._data(packet.id, one.content(one.path))
        if packet.type == _FIN:
            self.done = True
            return iter([message])
        # Also for an error of the receiver: the build fails with its text.
        raise CallFailed(Code.UNKNOWN, f"unexpected packet {packet.type} {packet.id}")

    def _data(self, number: int, content: Iterator[bytes]) -> Iterator[bytes]:
        packet = self._classes["Packet"]
        try:
            for chunk in content:
                yield packet(type=_DATA, id=number, data=chunk).SerializeToString()
        except SeatrialError as error:
            self._failed(error)
            raise CallFailed(Code.UNKNOWN, str(error)) from error
        yield packet(type=_DATA, id=number).SerializeToString()


def context_entries(request: BuildRequest, grown: Callable[[str], None]) -> list[Entry]:
    """Return the entries of a build context; modes and contents are those of an archive of it.

    The receiver takes a file as unchanged if its mode, size and time are, so the time must change with the content.
    """
    context, digests, entries = request.context, request.digests, []

    def content(path: bytes) -> Iterator[bytes]:
        name = os.fsdecode(path)
        return file_content(context, name, digests.get(name, ""), grown)

    for name, status in context.entries.items():
        path = os.fsencode(name)
        moment = status.modified
        if stat.S_ISDIR(status.mode):
            entries.append(Entry(path, _FOLDER | 0o755, 0, moment))
        elif stat.S_ISLNK(status.mode):
            link = os.fsencode(link_target(context.folder / name))
            entries.append(Entry(path, _LINK | 0o777, len(link), moment, link))
        else:
            if not 0 <= status.changed - moment < _AT_ONCE:
                # The time was set, so it need not differ from that of other content.
                moment += int(digests.get(name, "")[-_FRACTION:] or "0", 16) % _SECOND - moment % _SECOND
            entries.append(Entry(path, sent_mode(status.mode), status.size, moment, b"", content))
    return sorted(entries, key=_order)


def file_entry(name: str, content: bytes) -> Entry:
    """Return an entry for a file that exists in memory only; it is new each time."""
    return Entry(
        os.fsencode(name), 0o644, len(content), time.time_ns(), b"", lambda _: iter([content] if content else [])
    )


def select(entries: Sequence[Entry], paths: Sequence[str]) -> Sequence[Entry]:
    """Return the entries at and below some paths, with the folders above them; all if a path is not a plain one."""
    names = [os.fsencode(posixpath.normpath(path.lstrip("/") or ".")) for path in paths]
    if not names or b"." in names or any(_WILDCARDS.intersection(path) for path in paths):
        return entries
    found = [one for one in entries if any(_leads_to(one.path, name) or _leads_to(name, one.path) for name in names)]
    # A link may lead to anywhere.
    is_linked = any(one.link and _leads_to(one.path, name) for one in found for name in names)
    return entries if is_linked else found


def _leads_to(path: bytes, below: bytes) -> bool:
    return path == below or below.startswith(path + b"/")


def _order(entry: Entry) -> bytes:
    """Return a key that sorts the files in a folder directly behind it."""
    return entry.path.replace(b"/", b"\0")


@cache
def _classes() -> dict[str, Any]:
    return message_classes(_MESSAGES)
