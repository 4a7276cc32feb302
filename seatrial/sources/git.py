"""The version, last commit and uncommitted changes of a folder in a git repository."""

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
# A git hook sets these variables for its own repository; we ask about the folder's.
_UNSET_HOOK_VARIABLES = ("env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "-u", "GIT_PREFIX")


@dataclass(frozen=True, kw_only=True)
class Revision:
    """The last commit that touched a folder; `time` is in seconds since the epoch.

    `source` is the URL of the remote `origin` without credentials, or None.
    """

    commit: str
    time: int
    source: str | None

    @property
    def created(self) -> str:
        """The commit's time in RFC 3339 format, in UTC."""
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def described_version(folder: Path) -> Version:
    """Return the version from git describe (`1.4.2`, `1.4.2-3-gabc1234-dirty`, `abc1234`), or `dev` outside git."""
    if not folder.is_dir():
        return Version(UNVERSIONED)
    described = _git(folder, "describe", "--tags", "--dirty")
    return Version.parse(described or _prefixed(_git(folder, "describe", "--always", "--dirty") or UNVERSIONED))


def last_revision(folder: Path, *more: Path) -> Revision | None:
    """Return the last commit that touched a folder or `more` files; None outside git or without a commit."""
    found = _git(folder, "log", "-1", "--format=%H %ct", "--", ".", *_outside(folder, more))
    if not found:
        return None
    commit, seconds = found.split()
    remote = _git(folder, "config", "--get", "remote.origin.url")
    return Revision(commit=commit, time=int(seconds), source=_without_credentials(remote) if remote else None)


def has_uncommitted(folder: Path, paths: Collection[str]) -> bool:
    """Return whether any of these paths has changed since its last commit or was never committed.

    Paths are relative to the folder, or absolute. A file that git ignores counts as committed, a deleted file as
    uncommitted. If git does not answer in time, the result is True.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        return False
    status = (
        "--no-optional-locks",
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--",
        ".",
    )
    found = _git(folder, *status, *_outside(folder, [Path(path) for path in paths if path.startswith("/")]))
    if found is None:
        return True
    sent = {os.path.normpath(folder / path) for path in paths}
    for entry in filter(None, found.split("\0")):
        path = os.path.join(top, entry[3:])  # noqa: PTH118  a "/" at the end marks a repository inside this one and must stay
        inside = path.endswith("/") and any(one.startswith(path) for one in sent)
        if inside or path in sent or "D" in entry[:2]:
            return True
    return False


def _prefixed(described: str) -> str:
    """Put git's prefix `g` before a hash of digits only, which would look like a release; return others unchanged."""
    return f"g{described}" if described.removesuffix("-dirty").isdecimal() else described


def _outside(folder: Path, paths: Iterable[Path]) -> list[str]:
    """Return the files that are in the folder's repository but outside the folder."""
    outside = [path for path in paths if not path.is_relative_to(folder)]
    top = _git(folder, "rev-parse", "--show-toplevel") if outside else None
    return [str(path) for path in outside if top and path.is_relative_to(top)]


def _without_credentials(remote: str) -> str | None:
    """Return a remote's URL without credentials; None for a local path or if they cannot be separated safely."""
    scheme, slashes, rest = remote.partition("//")
    if scheme == "file:" or (not slashes and not _SCP.fullmatch(remote)):
        return None  # nobody else can use a path on this machine
    if not slashes:
        return remote
    host, slash, path = rest.partition("/")
    return None if "@" in path else f"{scheme}//{host.rpartition('@')[2]}{slash}{path}"


def _git(folder: Path, *words: str) -> str | None:
    return output_of([*_UNSET_HOOK_VARIABLES, "git", *words], folder=folder)
