"""The version, last commit and uncommitted changes of a folder in a git repository."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from seatrial.errors import UsageError, sanitize
from seatrial.host.subprocesses import ProgramFailed, checked_output
from seatrial.model.version import UNVERSIONED, Version

__all__ = [
    "Commit",
    "Revision",
    "commits_between",
    "described_version",
    "find_repository",
    "first_uncommitted",
    "git_failure",
    "last_revision",
]

_SCP = re.compile(r"(?:[^/:]+@)?[^/:]+:.*")
# A git hook sets these variables for its own repository; we ask about the folder's.
_UNSET_HOOK_VARIABLES = ("env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "-u", "GIT_PREFIX")
_STATUS = ("--no-optional-locks", "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
_HASH = re.compile("[0-9a-f]{7,64}")
_MOST_COMMITS = 50
_ADVICE = re.compile(r"^\s*(git config .*\S)\s*$", re.MULTILINE)


class Revision(Struct, frozen=True, kw_only=True):
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


class Commit(Struct, frozen=True, kw_only=True):
    """One commit: its hash, time in seconds since the epoch, author's name and first line."""

    commit: str
    time: int
    author: str
    subject: str


def described_version(folder: Path) -> Version:
    """Return the version from git describe (`1.4.2`, `1.4.2-3-gabc1234-dirty`, `abc1234`), or `dev` outside git.

    Raise `UsageError` with git's own words if the folder is in a repository and git fails.
    """
    if find_repository(folder) is None:
        return Version(UNVERSIONED)
    try:
        described = _git(folder, "describe", "--tags", "--always", "--dirty")
    except ProgramFailed as error:
        if _lacks_commit(folder):
            return Version(UNVERSIONED)
        raise _git_error(folder, str(error)) from error
    if (
        described.removesuffix("-dirty").isdecimal()
        and _git_or_none(folder, "describe", "--tags", "--exact-match") is None
    ):
        return Version(f"g{described}")  # git's own prefix: a hash of digits only would look like a release
    try:
        return Version.parse(described)
    except UsageError as error:
        raise UsageError(
            f"git describe says {sanitize(described, limit=60)!r}, which is not a valid version",
            reason=error.reason,
            hint=error.hint,
        ) from error


def find_repository(folder: Path) -> Path | None:
    """Return the top folder of the git repository around a folder; None if there is none, or no such folder."""
    return _repository(folder) if folder.is_dir() else None


def last_revision(folder: Path, *more: Path) -> Revision | None:
    """Return the last commit that touched a folder or `more` files; None outside git, without one, or if git fails."""
    if _repository(folder) is None:
        return None
    found = _git_or_none(folder, "log", "-1", "--format=%H %ct", "--", ".", *_outside(folder, more))
    if not found:
        return None
    commit, seconds = found.split()
    remote = _git_or_none(folder, "config", "--get", "remote.origin.url")
    return Revision(commit=commit, time=int(seconds), source=_without_credentials(remote) if remote else None)


def commits_between(folder: Path, since: str, until: str, *more: Path) -> tuple[Commit, ...]:
    """Return the commits after `since` up to `until` that touched a folder or `more` files, newest first.

    None are returned if git does not know them.
    """
    old, new = _HASH.match(since), _HASH.match(until)
    if old is None or new is None or _repository(folder) is None:
        return ()
    span = f"{old[0]}..{new[0]}"
    words = ("log", f"-{_MOST_COMMITS}", "-z", "--format=%H%x1f%ct%x1f%an%x1f%s", span, "--", ".")
    found = _git_or_none(folder, *words, *_outside(folder, more)) or ""
    rows = (line.split("\x1f") for line in found.split("\0") if line)
    return tuple(
        Commit(commit=commit, time=int(seconds), author=author, subject=subject)
        for commit, seconds, author, subject in rows
    )


def first_uncommitted(folder: Path, paths: Collection[str]) -> str:
    """Return the first of these paths that has changed since its last commit or was never committed; else empty.

    Paths are relative to the folder, or absolute; the result is relative. A file that git ignores counts as committed,
    a deleted file as uncommitted. Where there is a repository and git fails, the result is the folder itself, `.`.
    """
    if _repository(folder) is None:
        return ""
    outside = _outside(folder, [Path(path) for path in paths if path.startswith("/")])
    top = _git_or_none(folder, "rev-parse", "--show-toplevel")
    found = _git_or_none(folder, *_STATUS, "--", ".", *outside)
    if top is None or found is None:
        return "."
    sent = {os.path.normpath(os.path.join(folder, path)) for path in paths}  # noqa: PTH118  a Path takes ten times as long
    for entry in filter(None, found.split("\0")):
        path = os.path.join(top, entry[3:])  # noqa: PTH118  a "/" at the end marks a repository inside this one and must stay
        inside = path.endswith("/") and any(one.startswith(path) for one in sent)
        if inside or path in sent or "D" in entry[:2]:
            return os.path.relpath(path, folder)
    return ""


def git_failure(folder: Path) -> UsageError | None:
    """Return the error of git about a folder in a repository; None if git works there, or outside git."""
    try:
        _ = _repository(folder) and _git(folder, *_STATUS, "--", ".")
    except ProgramFailed as error:
        return _git_error(folder, str(error))
    return None


def _repository(folder: Path) -> Path | None:
    physical = folder.resolve()
    return next((one for one in (physical, *physical.parents) if os.path.lexists(one / ".git")), None)


def _lacks_commit(folder: Path) -> bool:
    """Return whether git works and there is no commit yet."""
    try:
        return not _git(folder, "rev-parse", "--quiet", "--verify", "HEAD")
    except ProgramFailed as error:
        return not str(error)  # git is silent about a branch without a commit


def _git_error(folder: Path, words: str) -> UsageError:
    advice = _ADVICE.search(words)
    command = advice[1] if advice else f"git -C {folder} status" if shutil.which("git") else "install git"
    return UsageError(
        f"git fails in {folder}",
        reason=" ".join(words.partition("\n")[0].split()),
        hint=f"{command}, or give --version",
    )


def _outside(folder: Path, paths: Iterable[Path]) -> list[str]:
    """Return the files that are in the folder's repository but outside the folder."""
    outside = [path for path in paths if not path.is_relative_to(folder)]
    top = _git_or_none(folder, "rev-parse", "--show-toplevel") if outside else None
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


def _git_or_none(folder: Path, *words: str) -> str | None:
    try:
        return _git(folder, *words)
    except ProgramFailed:
        return None


def _git(folder: Path, *words: str) -> str:
    """Return git's output; raise `ProgramFailed` with its own words."""
    if shutil.which("git") is None:
        raise ProgramFailed("git is not installed, or not on PATH")
    return checked_output([*_UNSET_HOOK_VARIABLES, "git", *words], folder=folder)
