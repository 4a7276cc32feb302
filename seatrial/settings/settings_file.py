"""The settings file as YAML or JSON: its values as Invoke takes them, and on which line a setting is."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from seatrial.host.regular_files import read_regular_file
from seatrial.settings.yaml_nodes import broken, line_at, reading, refuse_bad_keys

__all__ = ["KEY", "SETTINGS_FILES", "VALUES", "SettingsFile", "find_settings_file", "read_settings_file"]

KEY = "seatrial"
SETTINGS_FILES: Final = ("invoke.yaml", "invoke.yml", "invoke.json")
"""The names that a settings file may have, in Invoke's order."""

VALUES: Final = ("project", "registry", "user", "local_registry_port", "browser")
"""The settings of a project that are single values, which environment variables can set: INVOKE_SEATRIAL_USER."""

_MAPPING_TAG = "tag:yaml.org,2002:map"
_WHAT = "the settings"


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
        return line_at(self.node, (KEY, *trail))


def find_settings_file(folder: Path) -> Path:
    """Return the settings file that Invoke reads in a folder; `invoke.yaml` if there is none."""
    return next((folder / name for name in SETTINGS_FILES if (folder / name).exists()), folder / SETTINGS_FILES[0])


@functools.cache
def read_settings_file(path: Path) -> SettingsFile:
    """Read a settings file, once in a process.

    Raise `FileNotFoundError` if it is not there, and `UsageError` if it is not a mapping that Invoke can merge.
    Invoke itself would hang on a pipe and show a traceback for other errors.
    """
    with reading(path, _WHAT):
        text = read_regular_file(path).decode("utf-8-sig")
        is_json = path.suffix == ".json"
        # JSON is YAML, but for tabs between the values; in its texts it has none.
        node = yaml.compose(text.replace("\t", " ") if is_json else text, Loader=yaml.SafeLoader)
    if node is not None:
        # Invoke turns each key into an environment variable's name in capitals, so case makes no difference.
        refuse_bad_keys(path, node, _WHAT, str.upper)
        _refuse_bad_shape(path, node)
    with reading(path, _WHAT):
        data = json.loads(text) if is_json else _construct(node)
    return SettingsFile(path=path, data=data, node=node)


def _construct(node: yaml.Node | None) -> Any:  # noqa: ANN401  whatever YAML holds
    """Return the values; only this finds an unknown YAML tag or an impossible date."""
    return None if node is None else yaml.SafeLoader("").construct_document(node)


def _refuse_bad_shape(path: Path, root: yaml.Node) -> None:
    """Refuse what Invoke cannot merge with the defaults: a mapping where a value belongs, or the other way round."""
    if not isinstance(root, yaml.MappingNode):
        raise broken(path, 1, f"it is not a mapping; settings belong under the key '{KEY}:'", _WHAT)
    for key, seatrial in root.value:
        if key.value == KEY and seatrial.tag != _MAPPING_TAG:
            raise broken(path, key.start_mark.line + 1, f"'{KEY}:' is not a mapping", _WHAT)
        for name, value in seatrial.value if key.value == KEY else ():
            if name.value in VALUES and isinstance(value, yaml.MappingNode):
                line = name.start_mark.line + 1
                raise broken(path, line, f"'{name.value}:' is a mapping; it must be a single value", _WHAT)
