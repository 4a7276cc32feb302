"""The inputs of a build: one digest over all of them, and a text that names what changed."""

from __future__ import annotations

import hashlib
import json
import stat
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from seatrial.errors import sanitize
from seatrial.host.regular_files import read_pieces
from seatrial.sources.context import Context, unreadable
from seatrial.sources.entries import FileStatus, PackedEntries, pack, unpack
from seatrial.wording import summarize_names

__all__ = ["UNCOMMITTED", "FileDigests", "Inputs", "KnownFiles", "entry_digest", "sent_mode"]

UNCOMMITTED: Final = "uncommitted changes"
"""The name of the part that is present if not all files are committed."""

# Two changes within one tick of the file system's clock have the same time. So the digest of a file that changed just
# now is not kept: the next change might not show in its status.
_TICK_NANOSECONDS: Final = 50_000_000


class Inputs(Struct, frozen=True, kw_only=True, dict=True):
    """Everything that determines a build's result: parts such as `file app.py` or `argument VERSION` with a value."""

    parts: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """One digest over all parts."""
        text = json.dumps(sorted(self.parts.items()))  # published images are known by its digest
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def compare(self, before: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the parts that were changed, added and removed since `before`."""
        return {
            "changed": [part for part, value in self.parts.items() if before.get(part, value) != value],
            "added": [part for part in self.parts if part not in before],
            "removed": [part for part in before if part not in self.parts],
        }

    def difference(self, before: Mapping[str, str]) -> str:
        """Return as text what differs from `before`: `app.py changed; old.css removed`."""
        groups = self.compare(before)
        changes = []
        for verb, parts in groups.items():
            names = [_shown(part) for part in sorted(parts) if part != UNCOMMITTED]
            changes += [f"{summarize_names(names)} {verb}"] if names else []
        if UNCOMMITTED in groups["added"]:
            changes.append("uncommitted changes")
        elif UNCOMMITTED in groups["removed"]:
            changes.append("now committed")
        return "; ".join(changes) if before and changes else "the inputs have changed"


def _shown(part: str) -> str:
    return sanitize(part.removeprefix("file ")).replace("\n", " ")


class KnownFiles(Struct, frozen=True, dict=True, array_like=True):
    """The entries of a context at an earlier look, and the digest of each, packed in the same order."""

    entries: PackedEntries = PackedEntries()
    packed: bytes = b""

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each path."""
        return dict(zip(unpack(self.entries.paths), unpack(self.packed), strict=True))


class FileDigests:
    """The digests of a context's entries; a file or link is read again only if its status has changed.

    `known` is what was seen last. `ahead` waits for what another process sees now, as packed entries: empty if that is
    what is known, None if there is no such process or it found an error.
    """

    def __init__(self, known: KnownFiles | None = None) -> None:
        self.known = known or KnownFiles()
        self.ahead: Callable[[], bytes | None] = lambda: None

    def take_ahead(self) -> bytes | None:
        """Wait for what another process sees; a second time there is none, because the files may have changed since."""
        ahead, self.ahead = self.ahead, lambda: None
        return ahead()

    def of(self, context: Context) -> dict[str, str]:
        """Return the digest of each entry of a context; raise `UsageError` if one cannot be read."""
        if self.known.entries == context.packed:
            return self.known.digests  # nothing has changed
        statuses, known = self.known.entries.unpacked, self.known.digests
        digests: dict[str, str] = {}
        fresh: dict[str, FileStatus] = {}
        for path, status in context.entries.items():
            digest = known.get(path) if statuses.get(path) == status else None
            started = time.time_ns() if digest is None else None
            digests[path] = digest or entry_digest(context.folder / path, status)
            if started is None or status.changed < started - _TICK_NANOSECONDS:
                fresh[path] = status
        entries = context.packed if len(fresh) == len(digests) else PackedEntries.of(fresh)
        self.known = KnownFiles(entries, pack(digests[path] for path in fresh))
        return digests


def entry_digest(path: Path, status: FileStatus | None = None) -> str:
    """Return a digest over the type, executable bit and content of a file, link or folder.

    Of a file that has grown since `status` was read, only the content up to its size then counts.
    """
    try:
        status = status or FileStatus.of(path.lstat())
        if stat.S_ISLNK(status.mode):
            return f"link {path.readlink()}"
        if stat.S_ISDIR(status.mode):
            return "folder"
        content = hashlib.sha256()
        for piece in read_pieces(str(path), status.size):
            content.update(piece)
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{sent_mode(status.mode):o} sha256:{content.hexdigest()}"


def sent_mode(mode: int) -> int:
    """Return the mode with which a file is sent: 755 if anybody may execute it, else 644."""
    return 0o755 if mode & 0o111 else 0o644
