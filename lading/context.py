"""What a build is made of: the files that are sent, and one digest over everything that decides the image."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lading.errors import UsageError
from lading.ignore import IgnorePatternError, IgnoreRules, find_ignore_file

__all__ = ["Inputs", "context_files", "entry_digest", "pack"]

_LARGEST_IN_MEMORY = 8 * 1024 * 1024
_CHUNK = 1024 * 1024
# At the context's root: our own notes change at every run, git's at every git command, and neither is the app.
_NEVER_SENT = frozenset({".lading", ".git"})


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
        told = [f"{verb}: {_shortened(sorted(names))}" for verb, names in groups.items() if names]
        return "; ".join(told) or "the inputs are not those it was built from"


def context_files(context: Path, dockerfile: Path) -> tuple[str, ...]:
    """Give what `docker build` would send, sorted: files, links and folders as posix paths relative to `context`.

    Links are never followed. Raises `UsageError` for a pattern that Docker refuses and for what cannot be read.
    """
    ignore = find_ignore_file(context, dockerfile)
    try:
        rules = IgnoreRules.parse(ignore.read_bytes() if ignore else b"")
    except IgnorePatternError as error:
        raise UsageError(
            "the build context cannot be told",
            why=f"{ignore}:{error.line}: {error.pattern!r}: {error.reason}",
            mend=f"mend line {error.line} of {ignore}",
        ) from error
    found: list[str] = []
    _walk(context, "", rules, found)
    return tuple(sorted(found))


def _walk(context: Path, below: str, rules: IgnoreRules, found: list[str]) -> None:
    try:
        entries = sorted(os.scandir(context / below), key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(context / below, error) from error
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if path in _NEVER_SENT:
            continue
        excluded = rules.excludes(path)
        if entry.is_dir(follow_symlinks=False):
            before = len(found)
            if not excluded or rules.may_include_below(path):
                _walk(context, path, rules, found)
            if not excluded or len(found) > before:
                found.append(path)
        elif not excluded and (entry.is_symlink() or entry.is_file(follow_symlinks=False)):
            found.append(path)


def entry_digest(path: Path) -> str:
    """Give a digest over kind, executable bit and content of a file, link or folder."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"link {path.readlink()}"
        if stat.S_ISDIR(status.st_mode):
            return "folder"
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    return f"{_mode(status.st_mode):o} sha256:{content}"


def pack(context: Path, files: Sequence[str], extra: Mapping[str, bytes]) -> IO[bytes]:
    """Give a tar of these files, and of `extra` (names to contents), from its beginning; close it after use.

    Modes are 755 or 644 and owners root, whatever they are here, so that the image does not depend on the machine.
    GNU format with whole seconds: a leading PAX header would keep BuildKit from seeing that it is a tar.
    """
    archive: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_LARGEST_IN_MEMORY)  # noqa: SIM115  the caller closes it
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT, bufsize=_CHUNK) as tar:
        for name in files:
            if name in extra:
                continue
            path = context / name
            try:
                entry = tar.gettarinfo(path, arcname=name)
                entry.linkname, entry.type = _link(path, entry)
                entry.mtime = int(entry.mtime)
                entry.mode = 0o755 if entry.isdir() else _mode(entry.mode)
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                if entry.isreg():
                    entry.size = path.stat().st_size
                    with path.open("rb") as file:
                        tar.addfile(entry, file)
                else:
                    tar.addfile(entry)
            except OSError as error:
                raise _unreadable(path, error) from error
        for name, content in extra.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    archive.seek(0)
    return archive


def _link(path: Path, entry: tarfile.TarInfo) -> tuple[str, bytes]:
    """Give where an entry points and its kind; a second name of one file is sent as a file of its own."""
    if entry.issym():
        return str(path.readlink()), entry.type
    return "", tarfile.REGTYPE if entry.islnk() else entry.type


def _mode(mode: int) -> int:
    return 0o755 if mode & 0o111 else 0o644


def _shortened(names: list[str], most: int = 5) -> str:
    shown = ", ".join(name.removeprefix("file ") for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be read",
        why=error.strerror or str(error),
        mend=f"chmod -R u+r {path}, or name it in .dockerignore",
    )
