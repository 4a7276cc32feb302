"""Environments such as staging: each has a settings file of its own, which is merged over the project's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial.errors import UsageError, sanitize
from seatrial.settings.settings_file import SETTINGS_FILES
from seatrial.wording import nearest

__all__ = ["conflict", "environment_file", "environment_files", "environment_of", "merged"]

_FILE = re.compile(r"(?P<stem>invoke)\.(?P<name>[a-z0-9][a-z0-9_-]{0,30})(?P<suffix>\.[a-z]+)")


def environment_of(path: Path) -> str:
    """Return the environment that a settings file is for, from its name (`invoke.staging.yaml`); empty for none."""
    found = _FILE.fullmatch(path.name)
    return found["name"] if found and found["stem"] + found["suffix"] in SETTINGS_FILES else ""


def environment_files(root: Path) -> list[Path]:
    """Return the settings files of the environments in a folder."""
    try:
        return sorted(path for path in root.iterdir() if environment_of(path))
    except OSError:
        return []


def environment_file(root: Path, name: str) -> Path:
    """Return the settings file of an environment; raise `UsageError` if there is none, with the environments here."""
    found = {environment_of(path): path for path in environment_files(root)}
    if name in found:
        return found[name]
    near = nearest(name, found) or next(iter(found), "")
    wanted = root / f"invoke.{name}.yaml"
    hints = [f"choose {near}"] if near else []
    hints += [f"write {wanted}"] if environment_of(wanted) else []
    raise UsageError(
        f"there is no environment {sanitize(repr(name), limit=60)}",
        reason=f"the environments in {root} are {', '.join(found)}"
        if found
        else f"there is no file invoke.NAME.yaml in {root}",
        hint=", or ".join(hints) or "choose a name of lowercase letters, digits, _ and -",
    )


def merged(base: Any, over: Any) -> Any:  # noqa: ANN401  whatever the files hold
    """Return `over` merged over `base`: mappings key by key; anything else, lists included, is replaced."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    return {**base, **{key: merged(base[key], value) if key in base else value for key, value in over.items()}}


def conflict(base: Any, over: Any, trail: tuple[str, ...] = ()) -> tuple[str, ...]:  # noqa: ANN401  as above
    """Return the first key that is a mapping in one file and not in the other, which Invoke cannot merge."""
    if isinstance(base, Mapping) != isinstance(over, Mapping):
        return trail
    both = [key for key in over if key in base] if isinstance(over, Mapping) else []
    return next(filter(None, (conflict(base[key], over[key], (*trail, key)) for key in both)), ())
