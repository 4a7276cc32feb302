"""What decides an image: one digest over all of it, and words for what is not as it was."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seatrial.sources.context import Context, unreadable
from seatrial.wording import listed

__all__ = ["FileDigests", "Inputs", "entry_digest", "sent_mode"]

# A file changed twice within one tick of the file system's clock looks the same: such a young one is not remembered.
_TICK: Final = 50_000_000


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All that decides what a build gives, each part with its digest or value: `file app.py`, `argument VERSION`."""

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One digest for all of them."""
        words = json.dumps(sorted(self.parts.items()))
        return f"sha256:{hashlib.sha256(words.encode()).hexdigest()}"

    def difference(self, before: Mapping[str, str]) -> str:
        """Say in words what is not as it was `before`: `changed: app.py; removed: old.css`."""
        if not before:
            return "the inputs are not those it was built from"
        groups = {
            "changed": [part for part, value in self.parts.items() if before.get(part, value) != value],
            "added": [part for part in self.parts if part not in before],
            "removed": [part for part in before if part not in self.parts],
        }
        changes = [
            f"{verb}: {listed([name.removeprefix('file ') for name in sorted(names)])}"
            for verb, names in groups.items()
            if names
        ]
        return "; ".join(changes) or "the inputs are not those it was built from"


class FileDigests:
    """Digests of a context's files; one whose status is as it was when it was last read is not read again.

    `known` maps a path to what `fresh` gave for it: status and digest.
    """

    def __init__(self, known: Mapping[str, list[str | int]]) -> None:
        self._known = known
        self.fresh: dict[str, list[str | int]] = {}

    def of(self, context: Context) -> dict[str, str]:
        """Return the digest of each entry of a context; `UsageError` for what cannot be read."""
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
            began = time.time_ns()
            digests[path] = entry_digest(context.folder / path, status)
            if status.st_ctime_ns < began - _TICK:
                fresh[path] = [*seen, digests[path]]
        self._known = self.fresh = fresh
        return digests


def entry_digest(path: Path, status: os.stat_result | None = None) -> str:
    """Return a digest over kind, executable bit and content of a file, link or folder."""
    try:
        status = status or path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"link {path.readlink()}"
        if stat.S_ISDIR(status.st_mode):
            return "folder"
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{sent_mode(status.st_mode):o} sha256:{content}"


def sent_mode(mode: int) -> int:
    """Return the permissions with which a file is sent: 755 when anybody may execute it, else 644."""
    return 0o755 if mode & 0o111 else 0o644
