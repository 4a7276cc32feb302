"""The settings file as YAML: whether Invoke can read it, and on which line a setting is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG

import yaml

from seatrial.errors import UsageError, sanitize

__all__ = ["SETTINGS_FILE", "check_settings_file", "line_of"]

SETTINGS_FILE = "invoke.yaml"
_KEY = "seatrial"
_NESTED = "apps"
_LARGEST = 1024 * 1024
_MAPPING_TAG = "tag:yaml.org,2002:map"
_TEXT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


def check_settings_file(path: Path) -> None:
    """Raise `UsageError` if `path` exists and is not a YAML mapping that Invoke can merge.

    Invoke itself would hang on a pipe and show a traceback for other errors.
    """
    try:
        status = path.stat()
    except OSError:
        return
    if not S_ISREG(status.st_mode):
        raise _broken(path, 0, "it is not a regular file")
    if status.st_size > _LARGEST:
        raise _broken(path, 0, f"it has {status.st_size:,} bytes, and {_LARGEST:,} is the limit")
    root = _compose(path)
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise _broken(path, 1, "it is not a mapping; settings belong under the key 'seatrial:'")
    _refuse_bad_keys(path, root)
    for key, value in root.value:
        if key.value == _KEY:
            _refuse_bad_shape(path, key, value)
    _construct(path)


def line_of(path: Path, trail: Sequence[str | int]) -> int:
    """Return the line (from 1) of the setting at `trail` below `seatrial` in `path`; 0 if it is not there."""
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
    with _reading(path):
        return yaml.compose(path.read_text("utf-8-sig"), Loader=yaml.SafeLoader)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(path, mark.line + 1 if mark else 0, error.problem or "it is not valid YAML") from error
    except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
        raise _broken(path, 0, sanitize(str(error), limit=120)) from error


def _construct(path: Path) -> None:
    """Build the values, as Invoke will; only this finds an unknown YAML tag or an impossible date."""
    with _reading(path):
        yaml.safe_load(path.read_text("utf-8-sig"))


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


def _refuse_bad_shape(path: Path, key: yaml.Node, seatrial: yaml.Node) -> None:
    """Refuse what Invoke cannot merge with the defaults: a mapping where a value belongs, or the other way round."""
    if seatrial.tag != _MAPPING_TAG:
        raise _broken(path, key.start_mark.line + 1, "'seatrial:' is not a mapping")
    for name, value in seatrial.value:
        if name.value != _NESTED and isinstance(value, yaml.MappingNode):
            raise _broken(path, name.start_mark.line + 1, f"'{name.value}:' is a mapping; it must be a single value")


def _broken(path: Path, line: int, reason: str) -> UsageError:
    place = f"{path}:{line}" if line else str(path)
    return UsageError(
        "the settings cannot be read",
        reason=f"{place}: {reason}",
        hint=f"fix {place} (see the example in README.md)",
    )
