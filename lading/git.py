"""What git says of the app's folder."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lading.command import output_of
from lading.version import UNVERSIONED, Version

__all__ = ["Revision", "described_version", "has_uncommitted", "last_revision"]

_PASSWORD = re.compile(r"(?<=//)[^/]*@")


@dataclass(frozen=True, kw_only=True)
class Revision:
    """The last commit that touched a folder: its hash, its time in seconds since the epoch, where it comes from.

    `source` is the URL of the remote `origin` without credentials, or None.
    """

    commit: str
    time: int
    source: str | None

    @property
    def created(self) -> str:
        """The time as RFC 3339 has it, in UTC."""
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def described_version(folder: Path) -> Version:
    """Give the version git describes (`1.4.2`, `1.4.2-3-gabc1234-dirty`, `abc1234`), or `dev` outside of git."""
    if not folder.is_dir():
        return Version(UNVERSIONED)
    return Version.parse(_git(folder, "describe", "--tags", "--always", "--dirty") or UNVERSIONED)


def last_revision(folder: Path) -> Revision | None:
    """Give the last commit that touched a folder, or nothing outside of git and before the first commit."""
    found = _git(folder, "log", "-1", "--format=%H %ct", "--", ".")
    if not found:
        return None
    commit, seconds = found.split()
    remote = _git(folder, "config", "--get", "remote.origin.url")
    return Revision(commit=commit, time=int(seconds), source=_PASSWORD.sub("", remote) if remote else None)


def has_uncommitted(folder: Path, paths: Collection[str]) -> bool:
    """Tell whether any of these paths below a folder differs from its last commit, or was never committed.

    Files that git is told to ignore count as made from what is committed. A deleted file counts as well.
    """
    words = (
        "--no-optional-locks",
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--",
        ".",
    )
    found = _git(folder, *words)
    if not found:
        return False
    top = _git(folder, "rev-parse", "--show-prefix") or ""
    sent = set(paths)
    for entry in found.split("\0"):
        state, path = entry[:2], entry[3:].removeprefix(top)
        if path in sent or "D" in state:
            return True
    return False


def _git(folder: Path, *words: str) -> str | None:
    return output_of(["git", *words], folder=folder)
