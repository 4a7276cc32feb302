"""Images of a few files for the tests of image checks: a good one, and variants with one fault."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.engine.model import Image, ImageFile
from seatrial.engine.protocol import Engine
from seatrial.model.reference import ImageReference

__all__ = ["GOOD", "Specimens", "file", "folder"]

GOOD: Mapping[str, str] = {
    "user": "USER 10001:10001",
    "port": "EXPOSE 8080",
    "healthcheck": 'HEALTHCHECK CMD ["/app/check"]',
    "title": "LABEL org.opencontainers.image.title=web",
    "version": "LABEL org.opencontainers.image.version=1",
    "command": "CMD never",
}
"""Instructions of an image that passes every image check."""


@dataclass(frozen=True, kw_only=True)
class Specimens:
    """Make images in an engine, with the label of a project."""

    engine: Engine
    project: str
    folder: Path

    def make(self, says: Mapping[str, str | None] = GOOD, *files: ImageFile) -> Image:
        """Return an image of a few harmless files and these, with the instructions of `says` (None: left out)."""
        archive = self.folder / "root.tar"
        _write(archive, [*_HARMLESS, *files])
        changes = [f"LABEL seatrial.project={self.project}", *(words for words in says.values() if words)]
        return self._found(self.engine.import_image(archive, self.reference, changes))

    @property
    def reference(self) -> ImageReference:
        """The name of the images."""
        return ImageReference.parse(f"{self.project}/specimen:1")

    def _found(self, image_id: str) -> Image:
        image = self.engine.image(image_id)
        assert image is not None
        return image


def file(path: str, mode: int = 0o644, uid: int = 0, gid: int = 0) -> ImageFile:
    """Return a file."""
    return ImageFile(path=path, mode=mode, uid=uid, gid=gid, kind="file")


def folder(path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> ImageFile:
    """Return a folder."""
    return ImageFile(path=path, mode=mode, uid=uid, gid=gid, kind="folder")


_HARMLESS = (
    folder("/app"),
    file("/app/check", 0o755),
    ImageFile(path="/app/link", mode=0o777, uid=0, gid=0, kind="link"),
    folder("/tmp", 0o1777),  # noqa: S108  a path in an image
    file("/tmp/note", 0o666, 10001, 10001),  # noqa: S108  hidden by what is mounted there
    folder("/var/spool", 0o1777),
    folder("/var/mail", 0o2775, 0, 8),
    file("/app/" + "long" * 60, 0o640, 0, 10001),
)
_TYPES = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


def _write(archive: Path, files: Sequence[ImageFile]) -> None:
    with tarfile.open(archive, "w") as tar:
        for one in files:
            entry = tarfile.TarInfo(one.path.lstrip("/"))
            entry.type, entry.mode, entry.uid, entry.gid = _TYPES[one.kind], one.mode, one.uid, one.gid
            content = b"harmless\n" * 100 if one.kind == "file" else b""
            entry.size, entry.linkname = len(content), "check" if one.kind == "link" else ""
            tar.addfile(entry, io.BytesIO(content))
