"""Somebody else's folder, read only so deep and so far; what cannot be read is noted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from seatrial.host.regular_files import read_regular_file

__all__ = ["Folder"]

# Folders without an app of their own: dependencies, tests, documents, what a build wrote.
_SKIPPED = re.compile(
    r"\..*|__pycache__|node_modules|bower_components|site-packages|vendor|v?env|virtualenv"
    r"|tests?|testing|specs?|docs?|documentation|examples?|samples?|migrations|alembic|fixtures|e2e|cypress"
)
_MOST_FILES = 2000
_DEPTH = 5


class Folder(Struct, frozen=True):
    """A folder; names are relative to it, with /.

    `unreadable` gets a line for each file that could not be read.
    """

    path: Path
    unreadable: list[str] = []

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return (self.path / name).is_file()

    def has_folder(self, name: str) -> bool:
        """Return whether there is a folder of this name."""
        return (self.path / name).is_dir()

    def bytes(self, name: str) -> bytes | None:
        """Return a file's content; None if it is not there or cannot be read."""
        try:
            return read_regular_file(self.path / name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            self.note(name, getattr(error, "strerror", None) or str(error))
            return None

    def text(self, name: str) -> str | None:
        """Return a file's text with Unix line ends; None if it is not there or cannot be read."""
        content = self.bytes(name)
        if content is None:
            return None
        return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")

    def note(self, name: str, reason: str) -> None:
        """Keep why a file could not be read."""
        line = f"{name} cannot be read: {reason}"
        if line not in self.unreadable:
            self.unreadable.append(line)

    def files(self, suffix: str, *, depth: int = _DEPTH) -> list[str]:
        """Return the files with this suffix, those near the top first; folders like node_modules are left out."""
        found = [name for name in self._walk("", depth) if name.endswith(suffix)]
        return sorted(found, key=lambda name: (name.count("/"), name))

    def folders(self, below: str = "") -> list[str]:
        """Return the folders directly in this one, or in the one `below` it, without those like node_modules."""
        return [name for name, is_folder in self._entries(below) if is_folder]

    def names(self) -> list[str]:
        """Return everything directly in the folder that is not hidden."""
        try:
            return sorted(one.name for one in os.scandir(self.path) if not one.name.startswith("."))
        except OSError as error:
            self.note(".", error.strerror or str(error))
            return []

    def inside(self, name: str) -> Folder:
        """Return the folder of this name."""
        return Folder(self.path / name, self.unreadable)

    def _walk(self, below: str, depth: int) -> Iterator[str]:
        waiting, seen = [(below, depth)], 0
        while waiting and seen < _MOST_FILES:
            folder, left = waiting.pop(0)  # near the top first
            for name, is_folder in self._entries(folder):
                if is_folder and left > 0:
                    waiting.append((name, left - 1))
                elif not is_folder:
                    seen += 1
                    yield name

    def _entries(self, below: str) -> list[tuple[str, bool]]:
        """Return the files and folders in a folder, each with whether it is a folder; links to folders are left out."""
        try:
            with os.scandir(self.path / below) as entries:
                found = sorted(
                    (one.name, one.is_dir(follow_symlinks=False)) for one in entries if one.is_file() or one.is_dir()
                )
        except OSError as error:
            self.note(below or ".", error.strerror or str(error))
            return []
        return [
            (f"{below}/{name}".lstrip("/"), is_folder)
            for name, is_folder in found
            if not is_folder or not self._is_skipped(below, name)
        ]

    def _is_skipped(self, below: str, name: str) -> bool:
        return _SKIPPED.fullmatch(name) is not None or (self.path / below / name / "pyvenv.cfg").exists()
