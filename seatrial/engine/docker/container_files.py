"""The files of a container, read from the engine's tar export of it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol, Self

from seatrial.engine.model import FileKind, ImageFile
from seatrial.errors import StepFailed

__all__ = ["Readable", "read_files"]

_CHUNK: Final = 1024 * 1024
_MODE: Final = 0o7777
_KINDS: Mapping[bytes, FileKind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.LNKTYPE: "file",  # a hard link
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
}
_ORDINARY: Final = (tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE)
# Where a header has what: POSIX, pax Interchange Format, "ustar Interchange Format".
_NAME, _PREFIX, _TYPE, _LINK = slice(0, 100), slice(345, 500), slice(156, 157), slice(157, 257)
_CHECKSUM: Final = slice(148, 156)
_NUMBERS: Final = (_CHECKSUM, slice(100, 108), slice(108, 116), slice(116, 124), slice(124, 136))


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


def read_files(stream: Readable, container_id: str, folder: str = "") -> Iterator[ImageFile]:
    """Yield the files in a tar of a container, or of one of its folders; their content is skipped.

    Raise `StepFailed` if the tar is damaged or ends too early.
    """
    source: Any = _Forward(stream)
    above = folder.rpartition("/")[0]
    try:
        with tarfile.TarFile(fileobj=source, tarinfo=_Header) as archive:
            entries: list[tarfile.TarInfo] = vars(archive)["members"]
            while (entry := archive.next()) is not None:
                entries.clear()  # tarfile keeps every entry, and an image may have a million
                yield ImageFile(
                    path=f"{above}/{entry.name.removeprefix('./').strip('/')}",
                    mode=entry.mode & _MODE,  # the engine adds the kind of file
                    uid=entry.uid,
                    gid=entry.gid,
                    kind=_KINDS.get(entry.type, "other"),
                    target=entry.linkname if entry.issym() else "",
                )
    except tarfile.TarError as error:
        reason, hint = f"the tar is damaged: {error}", "run it again"
        raise StepFailed(f"the files of {container_id} cannot be read", reason=reason, hint=hint) from error


class _Header(tarfile.TarInfo):
    """A header of which only that is read which a file shows: four times as fast as tarfile's own."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return what a header says; what is not an ordinary file, or damaged, is left to tarfile."""
        if buf[_TYPE] not in _ORDINARY:
            return super().frombuf(buf, encoding, errors)
        try:
            checksum, mode, uid, gid, size = (int(buf[field].rstrip(b" \0"), 8) for field in _NUMBERS)
        except ValueError:
            return super().frombuf(buf, encoding, errors)
        if checksum != sum(buf) - sum(buf[_CHECKSUM]) + len(b" " * 8) * ord(" "):
            return super().frombuf(buf, encoding, errors)
        header = cls()
        header.type, header.mode, header.uid, header.gid, header.size = bytes(buf[_TYPE]), mode, uid, gid, size
        name, prefix, link = (bytes(buf[field]).partition(b"\0")[0] for field in (_NAME, _PREFIX, _LINK))
        header.name = (prefix + b"/" + name if prefix else name).decode(encoding, errors)
        header.linkname = link.decode(encoding, errors)
        return header


class _Forward:
    """A stream with the `seek` that tarfile needs, forward only: twice as fast as tarfile's own stream mode."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end."""
        data = self._stream.read(size)
        while len(data) < size and (more := self._stream.read(size - len(data))):
            data += more
        self._position += len(data)
        return data

    def seek(self, offset: int) -> None:
        """Skip bytes up to `offset`."""
        while (left := offset - self._position) > 0:
            skipped = len(self._stream.read(min(left, _CHUNK)))
            if not skipped:
                return
            self._position += skipped

    def tell(self) -> int:
        """Return the current position."""
        return self._position
