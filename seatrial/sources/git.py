"""What git says of the app's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seatrial.host.subprocesses import output_of
from seatrial.model.version import UNVERSIONED, Version

__all__ = ["Revision", "described_version", "has_uncommitted", "last_revision"]

_SCP = re.compile(r"(?:[^/:]+@)?[^/:]+:.*")
# Git tells its hooks where their repository is; a folder is asked about its own.
_WITHOUT_HOOKS_REPOSITORY = ("env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "-u", "GIT_PREFIX")


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
    """Return the version git describes (`1.4.2`, `1.4.2-3-gabc1234-dirty`, `abc1234`), or `dev` outside of git."""
    if not folder.is_dir():
        return Version(UNVERSIONED)
    described = _git(folder, "describe", "--tags", "--dirty")
    return Version.parse(described or _marked(_git(folder, "describe", "--always", "--dirty") or UNVERSIONED))


def last_revision(folder: Path, *more: Path) -> Revision | None:
    """Return the last commit that touched a folder or `more` files; nothing outside of git and before the first one."""
    found = _git(folder, "log", "-1", "--format=%H %ct", "--", ".", *_elsewhere(folder, more))
    if not found:
        return None
    commit, seconds = found.split()
    remote = _git(folder, "config", "--get", "remote.origin.url")
    return Revision(commit=commit, time=int(seconds), source=_public(remote) if remote else None)


def has_uncommitted(folder: Path, paths: Collection[str]) -> bool:
    """Tell whether any of these paths differs from its last commit, or was never committed.

    Paths are relative to the folder, or absolute. Files that git is told to ignore count as made from what is
    committed; a deleted file counts as well, and so does what git cannot tell in time.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        return False
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
    found = _git(folder, *words, *_elsewhere(folder, [Path(path) for path in paths if path.startswith("/")]))
    if found is None:
        return True
    sent = {os.path.normpath(folder / path) for path in paths}
    for entry in filter(None, found.split("\0")):
        path = os.path.join(top, entry[3:])  # noqa: PTH118  its "/" at the end says that it is a repository of its own
        inside = path.endswith("/") and any(one.startswith(path) for one in sent)
        if inside or path in sent or "D" in entry[:2]:
            return True
    return False


def _marked(described: str) -> str:
    """Return a hash that could pass for a release, being digits only, with the `g` git puts before hashes elsewhere."""
    return f"g{described}" if described.removesuffix("-dirty").isdecimal() else described


def _elsewhere(folder: Path, paths: Iterable[Path]) -> list[str]:
    """Return those of these files that lie in the folder's repository and not in the folder."""
    outside = [path for path in paths if not path.is_relative_to(folder)]
    top = _git(folder, "rev-parse", "--show-toplevel") if outside else None
    return [str(path) for path in outside if top and path.is_relative_to(top)]


def _public(remote: str) -> str | None:
    """Return a URL without what it takes to get in; nothing when that cannot be told for sure."""
    scheme, slashes, rest = remote.partition("//")
    if scheme == "file:" or (not slashes and not _SCP.fullmatch(remote)):
        return None  # a folder of this machine is nobody else's source
    if not slashes:
        return remote
    host, slash, path = rest.partition("/")
    return None if "@" in path else f"{scheme}//{host.rpartition('@')[2]}{slash}{path}"


def _git(folder: Path, *words: str) -> str | None:
    return output_of([*_WITHOUT_HOOKS_REPOSITORY, "git", *words], folder=folder)
