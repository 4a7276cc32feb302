"""The project's folder: where its settings are."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from seatrial.errors import UsageError
from seatrial.host.regular_files import read_regular_file
from seatrial.settings.settings_file import KEY, find_settings_file, read_settings_file

__all__ = ["check_named_file", "find_root", "settings_files"]


def find_root(config: Any = None) -> Path:  # noqa: ANN401  Invoke's configuration, which only task modules import
    """Return the project's folder: where Invoke found tasks.py, else the nearest one with settings of ours, else this.

    Another project's settings file further up is not ours.
    """
    prefix = getattr(config, "_project_prefix", None)  # Invoke has no public name for it
    if prefix:
        return Path(prefix).resolve()
    tasks = getattr(sys.modules.get("tasks"), "__file__", None)
    if tasks:
        return Path(tasks).resolve().parent
    try:
        here = Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the working folder is gone", reason="it was deleted or replaced", hint='cd "$PWD", or another folder'
        ) from error
    return next((folder for folder in (here, *here.parents) if _is_ours(find_settings_file(folder))), here)


def settings_files(config: Any) -> list[Path]:  # noqa: ANN401  as above
    """Return the settings files that Invoke has read, the most important first."""
    found = (getattr(config, f"_{kind}_path", None) for kind in ("runtime", "project", "user", "system"))
    return [Path(path) for path in found if path]


def _is_ours(path: Path) -> bool:
    try:
        return read_settings_file(path).is_ours
    except OSError:
        return False
    except UsageError:  # a damaged one is ours if it can be
        with suppress(OSError):
            return KEY.encode() in read_regular_file(path)
        return False


def check_named_file(config: Any) -> None:  # noqa: ANN401  as above
    """Raise `UsageError` when the settings file named with -f is not there: Invoke would go on without it."""
    path = getattr(config, "_runtime_path", None)
    if path is not None and not getattr(config, "_runtime_found", None):
        raise UsageError(
            "the settings cannot be read",
            reason=f"there is no file {path}, which -f or INVOKE_RUNTIME_CONFIG names",
            hint=f"write {path}, or name another file",
        )
