"""The project's folder, and its settings files: which there are, and which environment is chosen."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seatrial.errors import UsageError
from seatrial.host.regular_files import read_regular_file
from seatrial.settings.environments import conflict, environment_file, environment_files, environment_of, merged
from seatrial.settings.settings_file import KEY, find_settings_file, read_settings_file
from seatrial.settings.variables import environment, variables

__all__ = [
    "check_files",
    "check_named_file",
    "choose_environment",
    "copy_config",
    "find_root",
    "program_words",
    "save_environment_flag",
    "settings_files",
]


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


def check_files(words: Sequence[str]) -> None:
    """Raise `UsageError` for settings files that Invoke cannot read or merge: the project's, and what -f names.

    `words` are the command line.
    """
    base = _data(find_settings_file(find_root()))
    if (path := _typed_file(words)) is None:
        return
    if trail := conflict(base, _data(path)):
        line = read_settings_file(path).line_of(trail[1:]) if trail[0] == KEY else 0
        place = f"{path}:{line}" if line else str(path)
        raise UsageError(
            "the settings files cannot be merged",
            reason=f"{place}: '{trail[-1]}' is a mapping in one of them, and not in the other",
            hint=f"fix {place}",
        )


def _data(path: Path) -> Any:  # noqa: ANN401  whatever the file holds
    try:
        return read_settings_file(path).data or {}
    except FileNotFoundError:  # reported when a task begins
        return {}


def _typed_file(words: Sequence[str]) -> Path | None:
    """Return the settings file that the command line or the environment names; of `logs`, -f is another flag."""
    name, task = variables().get("INVOKE_RUNTIME_CONFIG", ""), ""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        flag, equals, value = word.partition("=")
        if flag == "--config" or (flag == "-f" and task != "logs"):
            name = value if equals else following
        elif not word.startswith("-"):
            task = word.rpartition(".")[2]
    return Path(name) if name else None


def settings_files(config: Any, root: Path, chosen: str) -> list[Path]:  # noqa: ANN401  as above
    """Return the settings files that were read, the most important first; `chosen` is the environment."""
    runtime, *others = (getattr(config, f"_{kind}_path", None) for kind in ("runtime", "project", "user", "system"))
    between = environment_file(root, chosen) if chosen and not _named_by_file(config) else None
    return [Path(path) for path in (runtime, between, *others) if path]


def save_environment_flag(config: Any, name: str | None) -> None:  # noqa: ANN401  as above
    """Save the environment that the programs' flag --environment names, for the tasks."""
    config._set(_seatrial_environment=name)  # noqa: SLF001  Invoke's own way to keep what is not a setting


def choose_environment(config: Any, root: Path) -> str:  # noqa: ANN401  as above
    """Return the chosen environment, after its file was merged over the project's settings; empty for none.

    The flag --environment, SEATRIAL_ENV or a file given with -f chooses it. Raise `UsageError` if there is no such
    environment, or two are chosen.
    """
    by_file, named = _named_by_file(config), _named(config)
    if by_file and named and by_file != named:
        raise UsageError(
            f"two environments are chosen: {by_file} and {named}",
            reason=f"the file of -f is for {by_file}, and --environment or SEATRIAL_ENV names {named}",
            hint="leave out one of them",
        )
    if named and not by_file:
        over = read_settings_file(environment_file(root, named)).data
        project = merged(config._project, over or {})  # noqa: SLF001  Invoke merges what stands there
        config._set(_project=project, _project_found=True)  # noqa: SLF001
        config.merge()
    return by_file or named


def copy_config(config: Any) -> Any:  # noqa: ANN401  as above
    """Return a copy of Invoke's configuration, for another task that is run inside of one."""
    copy = config.clone()
    save_environment_flag(copy, getattr(config, "_seatrial_environment", None))
    return copy


def program_words(config: Any) -> str:  # noqa: ANN401  as above
    """Return what was typed instead of `invoke`, with what chooses the environment: hints repeat it."""
    command, path = environment().command, getattr(config, "_runtime_path", None)
    if path:
        return f"{command} -f {shlex.quote(str(path))}"
    if flag := getattr(config, "_seatrial_environment", None):
        return f"{command} --environment {flag}"
    return f"SEATRIAL_ENV={shlex.quote(name)} {command}" if (name := environment().settings) else command


def _named_by_file(config: Any) -> str:  # noqa: ANN401  as above
    path = getattr(config, "_runtime_path", None)
    return environment_of(Path(path)) if path else ""


def _named(config: Any) -> str:  # noqa: ANN401  as above
    return getattr(config, "_seatrial_environment", None) or environment().settings


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
        others = environment_files(Path(path).absolute().parent)
        raise UsageError(
            "the settings cannot be read",
            reason=f"there is no file {path}, which -f or INVOKE_RUNTIME_CONFIG names"
            + (f"; beside it are {', '.join(one.name for one in others)}" if others else ""),
            hint=f"write {path}, or name another file",
        )
