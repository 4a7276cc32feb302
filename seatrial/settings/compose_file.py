"""A compose file, read value by value: each knows its place, and is filled in from the environment when it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from seatrial.errors import Place, UsageError
from seatrial.host.regular_files import read_regular_file
from seatrial.settings.interpolation import interpolate, read_env_file
from seatrial.settings.yaml_nodes import line_at, reading, refuse_bad_keys

__all__ = ["ComposeFile", "Part", "read_compose_file"]

_WHAT = "the compose file"
# Plain values as compose reads them, by YAML 1.2: `on` and `22:22` are texts.
_RESOLVERS = (
    ("null", "~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", "[-+]?(?:0|[1-9][0-9_]*|0[0-7]+|0x[0-9a-fA-F]+)", [*"-+0123456789"]),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ("merge", "<<", ["<"]),
)


class ComposeFile(NamedTuple):
    """A compose file: its values and their lines; `variables` are those of the environment and of `.env` beside it."""

    path: Path
    data: Any
    node: yaml.Node | None
    variables: Mapping[str, str]

    @property
    def root(self) -> Part:
        """The whole of the file."""
        return Part(self, (), self.data)


class Part(NamedTuple):
    """A value of a compose file, as it stands there; `trail` are the keys and numbers that lead to it."""

    file: ComposeFile
    trail: tuple[str | int, ...]
    value: Any

    @property
    def name(self) -> str:
        """Where it is, such as `services.web.ports[0]`."""
        return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in self.trail)[1:]

    @property
    def place(self) -> Place:
        """Its line, or that of what it belongs to."""
        lines = (line_at(self.file.node, self.trail[:end]) for end in range(len(self.trail), 0, -1))
        return Place(path=self.file.path, line=next(filter(None, lines), 1))

    def at(self, key: str) -> Part:
        """Return the value of a key inside; that of one that is not there is None."""
        inside = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Part(self.file, (*self.trail, key), inside)

    def __contains__(self, key: object) -> bool:
        return isinstance(self.value, Mapping) and key in self.value

    def items(self) -> Iterator[tuple[str, Part]]:
        """Yield the values of a mapping by key; nothing for None."""
        if self.value is not None and not isinstance(self.value, Mapping):
            raise self.error("it must be a mapping")
        for key, value in (self.value or {}).items():
            yield key, Part(self.file, (*self.trail, key), value)

    def list(self) -> Iterator[Part]:
        """Yield the values of a list; nothing for None."""
        if self.value is not None and not isinstance(self.value, list):
            raise self.error("it must be a list")
        for number, value in enumerate(self.value or ()):
            yield Part(self.file, (*self.trail, number), value)

    def text(self) -> str:
        """Return a single value as text, in the form that it has in a container's environment."""
        value = self.value
        if isinstance(value, Mapping | list) or value is None:
            raise self.error("it has no value" if value is None else "it must be a single value")
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float):
            return repr(value).removesuffix(".0")
        if not isinstance(value, str):
            return str(value)
        try:
            return interpolate(value, self.file.variables)
        except UsageError as error:
            raise self.error(str(error), error.hint) from error

    def error(self, problem: str, hint: str = "") -> UsageError:
        """Return the error for what is wrong with it."""
        return UsageError(
            f"{self.name or self.file.path.name}: not valid in {self.file.path.name}",
            reason=f"{self.place}: {problem[:1].lower()}{problem[1:]}",
            hint=hint or f"fix {self.place}",
            place=self.place,
        )


def read_compose_file(path: Path, environment: Mapping[str, str]) -> Part:
    """Return the whole of a compose file; `environment` wins over the file `.env` beside it, as with docker compose.

    Raise `FileNotFoundError` if it is not there, and `UsageError` if it is not valid YAML.
    """
    with reading(path, _WHAT):
        node = yaml.compose(read_regular_file(path).decode("utf-8-sig"), Loader=_Loader)
        data = None
        if node is not None:
            refuse_bad_keys(path, node, _WHAT)
            data = _Loader("").construct_document(node)
    more = path.parent / ".env"
    variables = {**(read_env_file(more, environment) if more.is_file() else {}), **environment}
    return ComposeFile(path, data, node, variables).root


class _Loader(yaml.SafeLoader):
    """Loads a file without PyYAML's own ideas of what a plain value is."""


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern})$"), _first)
