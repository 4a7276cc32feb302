"""The inputs of a build: one digest over all of them, and a text that names what changed."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from seatrial.errors import sanitize
from seatrial.host.regular_files import read_pieces
from seatrial.sources.context import Context, unreadable
from seatrial.wording import summarize_names

__all__ = ["UNCOMMITTED", "FileDigests", "Inputs", "entry_digest", "sent_mode"]

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


class FileDigests:
    """The digests of a context's files; a file is read again only if its status has changed.

    `known` maps a path to its entry in an earlier `fresh`: status and digest.
    """

    def __init__(self, known: Mapping[str, list[str | int]]) -> None:
        self._known = known
        self.fresh: dict[str, list[str | int]] = {}

    def of(self, context: Context) -> dict[str, str]:
        """Return the digest of each entry of a context; raise `UsageError` if one cannot be read."""
        digests: dict[str, str] = {}
        fresh: dict[str, list[str | int]] = {}
        for path, status in context.entries.items():
            if not stat.S_ISREG(status.st_mode):
                digests[path] = entry_digest(context.folder / path, status)
                continue
            seen = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode]
            known = self._known.get(path)
            if known and known[:-1] == seen:
                digests[path], fresh[path] = str(known[-1]), known
                continue
            started = time.time_ns()
            digests[path] = entry_digest(context.folder / path, status)
            if status.st_ctime_ns < started - _TICK_NANOSECONDS:
                fresh[path] = [*seen, digests[path]]
        self._known = self.fresh = fresh
        return digests


def entry_digest(path: Path, status: os.stat_result | None = None) -> str:
    """Return a digest over the type, executable bit and content of a file, link or folder.

    Of a file that has grown since `status` was read, only the content up to its size then counts.
    """
    try:
        status = status or path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"link {path.readlink()}"
        if stat.S_ISDIR(status.st_mode):
            return "folder"
        content = hashlib.sha256()
        for piece in read_pieces(str(path), status.st_size):
            content.update(piece)
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{sent_mode(status.st_mode):o} sha256:{content.hexdigest()}"


def sent_mode(mode: int) -> int:
    """Return the mode with which a file is sent: 755 if anybody may execute it, else 644."""
    return 0o755 if mode & 0o111 else 0o644
