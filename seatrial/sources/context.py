"""The build context: the files that are sent to the engine, its size limit, and a check for secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from msgspec import Struct

from seatrial.errors import UsageError
from seatrial.host.atomic_write import is_temporary
from seatrial.host.regular_files import read_regular_file
from seatrial.sources.dockerignore import IgnorePatternError, IgnoreRules, find_ignore_file
from seatrial.sources.entries import FileStatus, PackedEntries, unpack
from seatrial.sources.secret_files import is_secret_file, may_be_secret
from seatrial.wording import summarize_names

__all__ = ["Context", "VanishedFileError", "unreadable"]

_MOST_LISTED = 5


class VanishedFileError(UsageError):
    """A file of a build context disappeared while the context was read."""


class Context(Struct, frozen=True, kw_only=True):
    """The files, folders and links that `docker build` would send from `folder`. Links are not followed."""

    folder: Path
    packed: PackedEntries = PackedEntries()

    @classmethod
    def read(cls, folder: Path, dockerfile: Path | None, *, own: Collection[Path] = ()) -> Context:
        """Read the folder; raise `UsageError` for an ignore pattern that Docker refuses or a file that cannot be read.

        `own` are files and folders of Seatrial's own, which are left out: they change with every run.
        """
        if not folder.is_dir():
            raise UsageError(
                f"the app folder {folder} does not exist",
                reason="there is a file of that name"
                if folder.exists()
                else "the setting context names a folder that does not exist",
                hint="fix context in invoke.yaml, or change to the project's folder",
            )
        physical = folder.resolve()
        places = (one.parent.resolve() / one.name for one in own)
        skipped = frozenset(one.relative_to(physical).as_posix() for one in places if one.is_relative_to(physical))
        walk = _Walk(os.fspath(folder), _rules(folder, dockerfile), skipped)
        walk.collect("")
        return cls(folder=folder, packed=PackedEntries.of(walk.found, walk.special))

    @property
    def entries(self) -> Mapping[str, FileStatus]:
        """The status of each entry by its POSIX path, relative to `folder`, in the order of the paths."""
        return self.packed.unpacked

    @property
    def left_out(self) -> tuple[str, ...]:
        """The pipes, sockets and devices, which cannot be sent."""
        return tuple(unpack(self.packed.left_out))

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each file, in bytes."""
        return {path: one.size for path, one in self.entries.items() if stat.S_ISREG(one.mode)}

    @property
    def size(self) -> int:
        """The size of all files together, in bytes."""
        return sum([one.size for one in self.entries.values() if stat.S_ISREG(one.mode)])

    def check_size(self, limit: int) -> None:
        """Raise `UsageError` with the largest files if the context has more than `limit` bytes."""
        size = self.size
        if size <= limit:
            return
        sizes = self.sizes
        largest = sorted(sizes, key=lambda path: -sizes[path])[:_MOST_LISTED]
        raise UsageError(
            "the build context exceeds context_limit",
            reason=f"{self.folder} has {_megabytes(size)}, and {_megabytes(limit)} is the limit",
            hint="list what the image does not need in .dockerignore, or raise context_limit in invoke.yaml",
            details=tuple(f"{_megabytes(sizes[path]):>10}  {path}" for path in largest),
        )

    def check_secrets(self, allowed: tuple[str, ...]) -> None:
        """Raise `UsageError` with the paths that look like secrets and are not in or below an `allowed` path."""
        secrets = [
            path
            for path in filter(may_be_secret, self.entries)
            # A link is sent as a link, whatever it points to.
            if not stat.S_ISLNK(self.entries[path].mode)
            and is_secret_file(self.folder, path)
            and not _below(path, allowed)
        ]
        # A folder is listed without the files in it.
        every = frozenset(secrets)
        shown = [path for path in secrets if every.isdisjoint(map(str, PurePosixPath(path).parents))]
        if shown:
            raise UsageError(
                "the build context contains files that should not be in an image",
                reason=f"{summarize_names(shown)} would be sent to the engine, "
                "and any COPY could put it into the image",
                hint=f"list {summarize_names(shown)} in .dockerignore, or under allow_in_context in invoke.yaml",
            )


def unreadable(path: Path, error: OSError) -> UsageError:
    """Return the error for a file or folder of a build context that cannot be read."""
    return (VanishedFileError if isinstance(error, FileNotFoundError) else UsageError)(
        f"{path} cannot be read",
        reason=error.strerror or str(error),
        hint=(
            "run it again: the file disappeared while it was read"
            if isinstance(error, FileNotFoundError)
            else f"chmod -R u+rX {path} (or list it in .dockerignore)"
        ),
    )


def _rules(folder: Path, dockerfile: Path | None) -> IgnoreRules:
    ignore = find_ignore_file(folder, dockerfile)
    try:
        return IgnoreRules.parse(read_regular_file(ignore) if ignore else b"")
    except OSError as error:
        raise UsageError(
            f"{ignore} cannot be read", reason=error.strerror or str(error), hint=f"make {ignore} a readable file"
        ) from error
    except IgnorePatternError as error:
        raise UsageError(
            f"{ignore} contains a pattern that Docker refuses",
            reason=f"{ignore}:{error.line}: {error.pattern!r}: {error.reason}",
            hint=f"fix line {error.line} of {ignore}",
        ) from error


class _Walk(Struct, frozen=True):
    root: str
    rules: IgnoreRules
    skipped: frozenset[str]
    found: dict[str, FileStatus] = {}
    special: list[str] = []

    def collect(self, folder: str) -> None:
        """Collect what is in a folder, whose path ends with a slash or is empty."""
        entry, excludes, status_of = None, self.rules.excludes, FileStatus.of
        try:
            with os.scandir(f"{self.root}/{folder}") as entries:
                for entry in entries:
                    path = folder + entry.name
                    if path in self.skipped or is_temporary(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        self._collect_folder(path, entry)
                    elif excludes(path):
                        continue
                    elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                        self.found[path] = status_of(entry.stat(follow_symlinks=False))
                    else:
                        self.special.append(path)
        except OSError as error:
            where = entry.path if entry else error.filename or f"{self.root}/{folder}"
            raise unreadable(Path(where), error) from error

    def _collect_folder(self, path: str, entry: os.DirEntry[str]) -> None:
        excluded, before = self.rules.excludes(path), len(self.found)
        if not excluded or self.rules.may_include_below(path):
            self.collect(f"{path}/")
        if not excluded or len(self.found) > before:
            self.found[path] = FileStatus.of(entry.stat(follow_symlinks=False))


def _below(path: str, allowed: tuple[str, ...]) -> bool:
    return any(path == one.rstrip("/") or path.startswith(f"{one.rstrip('/')}/") for one in allowed)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
