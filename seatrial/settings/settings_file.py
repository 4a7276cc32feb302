"""The settings file as YAML or JSON: its values as Invoke takes them, and on which line a setting is."""

from __future__ import annotations

import errno
import functools
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from seatrial.errors import Place, UsageError, sanitize
from seatrial.host.regular_files import read_regular_file

__all__ = ["KEY", "SETTINGS_FILES", "VALUES", "SettingsFile", "find_settings_file", "read_settings_file"]

KEY = "seatrial"
SETTINGS_FILES: Final = ("invoke.yaml", "invoke.yml", "invoke.json")
"""The names that a settings file may have, in Invoke's order."""

VALUES: Final = ("project", "registry", "user", "local_registry_port", "browser")
"""The settings of a project that are single values, which environment variables can set: INVOKE_SEATRIAL_USER."""

_MAPPING_TAG = "tag:yaml.org,2002:map"
_TEXT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


class SettingsFile(NamedTuple):
    """What a settings file holds: `data` is what Invoke merges, `node` knows the lines."""

    path: Path
    data: Any
    node: yaml.Node | None

    @property
    def is_ours(self) -> bool:
        """Whether the file has settings of Seatrial."""
        return isinstance(self.data, dict) and KEY in self.data

    def line_of(self, trail: Sequence[str | int]) -> int:
        """Return the line (from 1) of the setting at `trail` below `seatrial`; 0 if it is not there."""
        node, line = self.node, 0
        for part in (KEY, *trail):
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(part)]
                if not found:
                    return 0
                line, node = found[-1][0].start_mark.line + 1, found[-1][1]  # what << merges comes first
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                return 0
        return line


def find_settings_file(folder: Path) -> Path:
    """Return the settings file that Invoke reads in a folder; `invoke.yaml` if there is none."""
    return next((folder / name for name in SETTINGS_FILES if (folder / name).exists()), folder / SETTINGS_FILES[0])


@functools.cache
def read_settings_file(path: Path) -> SettingsFile:
    """Read a settings file, once in a process.

    Raise `FileNotFoundError` if it is not there, and `UsageError` if it is not a mapping that Invoke can merge.
    Invoke itself would hang on a pipe and show a traceback for other errors.
    """
    with _reading(path):
        text = read_regular_file(path).decode("utf-8-sig")
        is_json = path.suffix == ".json"
        # JSON is YAML, but for tabs between the values; in its texts it has none.
        node = yaml.compose(text.replace("\t", " ") if is_json else text, Loader=yaml.SafeLoader)
    if node is not None:
        _refuse_bad_keys(path, node)
        _refuse_bad_shape(path, node)
    with _reading(path):
        data = json.loads(text) if is_json else _construct(node)
    return SettingsFile(path=path, data=data, node=node)


def _construct(node: yaml.Node | None) -> Any:  # noqa: ANN401  whatever YAML holds
    """Return the values; only this finds an unknown YAML tag or an impossible date."""
    return None if node is None else yaml.SafeLoader("").construct_document(node)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(path, mark.line + 1 if mark else 0, error.problem or "it is not valid YAML") from error
    except FileNotFoundError:
        raise
    except OSError as error:
        if _is_out_of_sight(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
        raise _broken(path, 0, error.strerror or str(error)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _broken(path, 0, sanitize(str(error), limit=120)) from error


def _is_out_of_sight(path: Path) -> bool:
    """Return whether nobody can tell if there is a file, such as in another user's HOME, or with /dev/null as HOME."""
    try:
        path.lstat()
    except OSError:
        return True
    return False


def _refuse_bad_keys(path: Path, node: yaml.Node) -> None:
    """Refuse a key that occurs twice or is not text."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_bad_keys(path, item)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag not in _TEXT_TAGS:
                shown = f"'{key.value}'" if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                raise _broken(path, line, f"the key {shown} is not text; write it in quotes")
            # Invoke turns each key into an environment variable's name in capitals, so case makes no difference.
            if (name := key.value.upper()) in seen:
                raise _broken(
                    path,
                    line,
                    f"'{key.value}' is already on line {seen[name]} (case makes no difference)",
                )
            seen[name] = line
            _refuse_bad_keys(path, value)


def _refuse_bad_shape(path: Path, root: yaml.Node) -> None:
    """Refuse what Invoke cannot merge with the defaults: a mapping where a value belongs, or the other way round."""
    if not isinstance(root, yaml.MappingNode):
        raise _broken(path, 1, f"it is not a mapping; settings belong under the key '{KEY}:'")
    for key, seatrial in root.value:
        if key.value == KEY and seatrial.tag != _MAPPING_TAG:
            raise _broken(path, key.start_mark.line + 1, f"'{KEY}:' is not a mapping")
        for name, value in seatrial.value if key.value == KEY else ():
            if name.value in VALUES and isinstance(value, yaml.MappingNode):
                line = name.start_mark.line + 1
                raise _broken(path, line, f"'{name.value}:' is a mapping; it must be a single value")


def _broken(path: Path, line: int, reason: str) -> UsageError:
    place = Place(path=path, line=line) if line else None
    return UsageError(
        "the settings cannot be read",
        reason=f"{place or path}: {reason}",
        hint=f"fix {place or path} (see the example in README.md)",
        place=place,
    )
