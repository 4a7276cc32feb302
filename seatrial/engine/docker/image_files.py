"""The files of an image, read from the tar that the engine makes of a container that never starts."""

from __future__ import annotations

import tarfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from typing import Any

from docker.errors import NotFound

from seatrial.engine.connection import Connection, api_url
from seatrial.engine.model import FileKind, ImageFile
from seatrial.errors import StepFailed
from seatrial.host.signals import temporary

__all__ = ["image_files"]

_CHUNK = 1024 * 1024
_MODE = 0o7777
_KINDS: Mapping[bytes, FileKind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.LNKTYPE: "file",  # another name of a file
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
}


def image_files(
    connection: Connection, image_id: str, *, name: str, labels: Mapping[str, str]
) -> Generator[ImageFile, None, None]:
    """Yield an image's files one after the other; content goes by and is not kept.

    A container of that name and with these labels is there meanwhile; it goes when the last file was given, and when
    the iterator is closed before. `StepFailed` when there is no such image, or when the tar ends too early.
    """
    with connection.translate_errors(f"the files of {image_id} cannot be read"):
        client = connection.client
        config = {
            "Image": image_id,
            "Cmd": ["never"],  # an image may have none, and the engine wants one
            "Labels": dict(labels),
            "NetworkDisabled": True,
        }

        def remove() -> None:
            with suppress(NotFound):
                made = client.inspect_container(name)
                if labels.items() <= (made["Config"]["Labels"] or {}).items():  # else the name was taken already
                    client.remove_container(made["Id"], v=True, force=True)

        with temporary(lambda: client.create_container_from_config(config, name), remove):
            try:
                url = api_url(client, f"containers/{name}/export")
                response = client.get(url, stream=True, timeout=client.timeout)
                with response:
                    client._raise_for_status(response)  # noqa: SLF001  its errors tell what the engine said
                    yield from _read(response.raw)
            except tarfile.TarError as error:
                raise StepFailed(
                    f"the files of {image_id} cannot be read",
                    reason=f"the tar is damaged: {error}",
                    hint="run it again",
                ) from error


def _read(stream: Any) -> Iterator[ImageFile]:
    source: Any = _Forward(stream)
    with tarfile.TarFile(fileobj=source) as archive:
        known: list[tarfile.TarInfo] = vars(archive)["members"]
        while (entry := archive.next()) is not None:
            known.clear()  # tarfile keeps every entry, and an image may have a million
            yield ImageFile(
                path=f"/{entry.name.removeprefix('./').strip('/')}",
                mode=entry.mode & _MODE,  # the engine puts the kind of file in, too
                uid=entry.uid,
                gid=entry.gid,
                kind=_KINDS.get(entry.type, "other"),
            )


class _Forward:
    """A stream as a file in which tarfile can go forward: twice as fast as its own way with streams."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end."""
        data: bytes = self._stream.read(size)
        while len(data) < size and (more := self._stream.read(size - len(data))):
            data += more
        self._at += len(data)
        return data

    def seek(self, offset: int) -> None:
        """Let bytes go by until `offset`."""
        while (left := offset - self._at) > 0:
            gone = len(self._stream.read(min(left, _CHUNK)))
            if not gone:
                return
            self._at += gone

    def tell(self) -> int:
        """Return where we are."""
        return self._at
