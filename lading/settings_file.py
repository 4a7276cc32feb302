"""The settings file as text: whether Invoke can read it at all, and on which line a thing stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG

import yaml

from lading.errors import UsageError, cleaned

__all__ = ["SETTINGS_FILE", "check_settings_file", "line_of"]

SETTINGS_FILE = "invoke.yaml"
_KEY = "lading"
_LARGEST = 1024 * 1024


def check_settings_file(path: Path) -> None:
    """Raise `UsageError` when `path` is there and is not a YAML mapping that Invoke can merge.

    Invoke itself would hang on a pipe and show a traceback for the rest.
    """
    try:
        status = path.stat()
    except OSError:
        return
    if not S_ISREG(status.st_mode):
        raise _broken(path, 0, "it is not a regular file")
    if status.st_size > _LARGEST:
        raise _broken(path, 0, f"it has {status.st_size:,} bytes; settings have at most {_LARGEST:,}")
    root = _compose(path)
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise _broken(path, 1, "it holds no mapping; settings stand under the key 'lading:'")
    _refuse_duplicates(path, root)
    for key, value in root.value:
        if key.value == _KEY and not _is_mapping_or_empty(value):
            raise _broken(path, key.start_mark.line + 1, "'lading:' holds no mapping")


def line_of(path: Path, trail: Sequence[str | int]) -> int:
    """Give the line (from 1) on which the setting at `trail` below `lading` stands in `path`; 0 when it does not."""
    try:
        node = _compose(path)
    except UsageError:
        return 0
    line = 0
    for part in (_KEY, *trail):
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                return 0
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return 0
    return line


def _compose(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text("utf-8-sig"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(path, mark.line + 1 if mark else 0, error.problem or "it is no YAML") from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise _broken(path, 0, cleaned(str(error), limit=120)) from error


def _refuse_duplicates(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(path, item)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _broken(path, line, f"'{key.value}' stands on line {seen[key.value]} already")
                seen[key.value] = line
            _refuse_duplicates(path, value)


def _is_mapping_or_empty(node: yaml.Node) -> bool:
    empty = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
    return isinstance(node, yaml.MappingNode) or empty


def _broken(path: Path, line: int, why: str) -> UsageError:
    place = f"{path}:{line}" if line else str(path)
    return UsageError(
        "the settings cannot be read",
        why=f"{place}: {why}",
        mend=f"mend {place} (a model stands in the README)",
    )
