"""The files of an image, read from the engine's tar export of a container that is never started."""

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
    tarfile.LNKTYPE: "file",  # a hard link
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
}


def image_files(
    connection: Connection, image_id: str, *, name: str, labels: Mapping[str, str]
) -> Generator[ImageFile, None, None]:
    """Yield an image's files; their content is skipped.

    This creates a temporary container with that name and these labels. It is removed after the last file, also when
    the generator is closed early. Raise `StepFailed` if there is no such image, or if the tar ends too early.
    """
    with connection.translate_errors(f"the files of {image_id} cannot be read"):
        client = connection.client
        config = {
            "Image": image_id,
            "Cmd": ["never"],  # the engine requires a command, and an image may have none
            "Labels": dict(labels),
            "NetworkDisabled": True,
        }

        def remove() -> None:
            with suppress(NotFound):
                found = client.inspect_container(name)
                if labels.items() <= (found["Config"]["Labels"] or {}).items():  # otherwise the name was already taken
                    client.remove_container(found["Id"], v=True, force=True)

        with temporary(lambda: client.create_container_from_config(config, name), remove):
            try:
                url = api_url(client, f"containers/{name}/export")
                response = client.get(url, stream=True, timeout=client.timeout)
                with response:
                    client._raise_for_status(response)  # noqa: SLF001  its errors hold the engine's message
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
        entries: list[tarfile.TarInfo] = vars(archive)["members"]
        while (entry := archive.next()) is not None:
            entries.clear()  # tarfile keeps every entry, and an image may have a million
            yield ImageFile(
                path=f"/{entry.name.removeprefix('./').strip('/')}",
                mode=entry.mode & _MODE,  # the engine adds the kind of file
                uid=entry.uid,
                gid=entry.gid,
                kind=_KINDS.get(entry.type, "other"),
            )


class _Forward:
    """A stream with the `seek` that tarfile needs, forward only: twice as fast as tarfile's own stream mode."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end."""
        data: bytes = self._stream.read(size)
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
