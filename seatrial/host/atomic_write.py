"""Atomic replacement of a file: a reader never sees half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["is_temporary", "remove_abandoned", "replace_file"]

_PREFIX, _SUFFIX = ".seatrial-", ".tmp"


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file or replace it atomically; on an `OSError` the old file stays and no temporary file is left.

    What killed processes have left in the folder is removed.
    """
    remove_abandoned(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{_PREFIX}{os.getpid()}-", suffix=_SUFFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def is_temporary(name: str) -> bool:
    """Return whether a file with this name is one that `replace_file` has not finished."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files that killed processes have left in a folder."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            os.kill(int(pid), 0)
        except (ValueError, ProcessLookupError):
            path.unlink(missing_ok=True)
        except PermissionError:
            continue  # a process of another user
