"""The project's folder: where its settings are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from seatrial.errors import UsageError
from seatrial.settings.settings_file import SETTINGS_FILE

__all__ = ["check_named_file", "find_root"]


def find_root(config: Any = None) -> Path:  # noqa: ANN401  Invoke's configuration, which only task modules import
    """Return the project's folder: where Invoke found tasks.py, else the nearest one above with a settings file."""
    prefix = getattr(config, "_project_prefix", None)  # Invoke has no public name for it
    if prefix:
        return Path(prefix).resolve()
    tasks = getattr(sys.modules.get("tasks"), "__file__", None)
    if tasks:
        return Path(tasks).resolve().parent
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / SETTINGS_FILE).is_file()), here)


def check_named_file(config: Any) -> None:  # noqa: ANN401  as above
    """Raise `UsageError` when the settings file named with -f is not there: Invoke would go on without it."""
    path = getattr(config, "_runtime_path", None)
    if path is not None and not getattr(config, "_runtime_found", None):
        raise UsageError(
            "the settings cannot be read",
            reason=f"there is no file {path}, which -f or INVOKE_RUNTIME_CONFIG names",
            hint=f"write {path}, or name another file",
        )
