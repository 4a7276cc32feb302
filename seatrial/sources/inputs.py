"""The inputs of a build: one digest over all of them, and a text that names what changed."""

from __future__ import annotations

import hashlib
import json
import stat
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from seatrial.errors import sanitize
from seatrial.host.regular_files import read_pieces
from seatrial.sources.context import Context, FileStatus, unreadable
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
        text = json.dumps(sorted(self.parts.items()))
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


class KnownFiles(Struct, frozen=True, kw_only=True):
    """The entries of a context at an earlier look: the status of each path, and its digest."""

    statuses: dict[str, FileStatus] = {}
    digests: dict[str, str] = {}


class FileDigests:
    """The digests of a context's entries; a file or link is read again only if its status has changed.

    `known` is what was seen last.
    """

    def __init__(self, known: KnownFiles | None = None) -> None:
        self.known = known or KnownFiles()

    def of(self, context: Context) -> dict[str, str]:
        """Return the digest of each entry of a context; raise `UsageError` if one cannot be read."""
        statuses, known = self.known.statuses, self.known.digests
        if statuses == context.entries:
            return known
        digests: dict[str, str] = {}
        fresh = KnownFiles(statuses={}, digests={})
        for path, status in context.entries.items():
            digest = known.get(path) if statuses.get(path) == status else None
            started = time.time_ns() if digest is None else None
            digests[path] = digest = digest or entry_digest(context.folder / path, status)
            if started is None or status.changed < started - _TICK_NANOSECONDS:
                fresh.statuses[path], fresh.digests[path] = status, digest
        self.known = fresh
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
