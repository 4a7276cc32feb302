"""From a mapping in the settings file to a struct; an error names file, line and the nearest known key."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from seatrial.errors import Place, UsageError
from seatrial.model.check import Check
from seatrial.model.deployment import Deployment, PublishedPort
from seatrial.model.setting_types import Parsed
from seatrial.settings.settings_file import KEY, read_settings_file
from seatrial.settings.variables import variables
from seatrial.wording import nearest

if TYPE_CHECKING:
    from seatrial.settings.compose_file import Part

__all__ = ["Reader", "is_struct", "settings_of"]

_S = TypeVar("_S", bound=Struct)
_T = TypeVar("_T")
_Trail = tuple[str | int, ...]
_INSIDE: dict[str | int, type[Struct]] = {"checks": Check, "deploy": Deployment, "ports": PublishedPort}


class Reader(NamedTuple):
    """Reads structs for the project in `root` from values that come from `files`, the most important first.

    `owners` are all structs with settings, and what a reader of an error calls them. `compose` are the parts of a
    compose file that gave values, by the trails of those.
    """

    root: Path
    files: Sequence[Path]
    owners: Mapping[type[Struct], str]
    compose: Mapping[_Trail, Part] = {}

    def read(self, given: object, kind: type[_S], trail: _Trail, **own: object) -> _S:
        """Return the settings at `trail` as `kind`, with the fields in `own`; raise `UsageError` for a wrong one."""
        values: dict[str, Any] = self.convert(given, dict[str, Any], trail)
        known = settings_of(kind)
        if unknown := next((key for key in values if key not in known), None):
            raise self._unknown(unknown, kind, (*trail, unknown))
        return self._struct(values, kind, trail, own)

    def _struct(self, given: Mapping[str, Any], kind: type[_S], trail: _Trail, own: Mapping[str, object]) -> _S:
        values = dict(own)
        for field in _fields(kind):
            name = field.encode_name
            if is_struct(field):
                values[name] = self._struct(given, field.type, trail, {})
            elif name in given and name not in own:
                values[name] = self._parsed(given[name], field, (*trail, name))
        read: _S = self.convert(values, kind, trail)
        return read

    def _parsed(self, value: object, field: FieldInfo, trail: _Trail) -> object:
        """Return the value with its texts parsed, if the field, or one inside of it, says how."""
        kind = next(iter(get_args(field.type)), None)
        if isinstance(kind, type) and issubclass(kind, Struct) and isinstance(value, Mapping):
            inside = {one.encode_name: one for one in _fields(kind)}
            return {
                key: self._parsed(one, inside[key], (*trail, key)) if key in inside else one
                for key, one in value.items()
            }
        parsed = next((one for one in getattr(field.type, "__metadata__", ()) if isinstance(one, Parsed)), None)
        if parsed is None or value is None:
            return value
        is_tuple = get_origin(kind) is tuple
        texts: Any = self.convert(value, tuple[str, ...] if is_tuple else str, trail)
        if is_tuple and not parsed.whole:
            return tuple(self.parse(text, parsed.parse, (*trail, index)) for index, text in enumerate(texts))
        return self.parse(texts, parsed.parse, trail)

    def parse(self, value: object, parse: Callable[[Any], _T], trail: _Trail) -> _T:
        """Return what `parse` makes of the value at `trail`; its error gets the place."""
        try:
            return parse(value)
        except UsageError as error:
            key = next(part for part in reversed(trail) if isinstance(part, str))
            hint = re.sub(r"^--[a-z-]+ ", f"{key}: ", error.hint)
            raise self.error(trail, f"{error.message}: {error.reason}", hint) from error

    def convert(self, value: object, kind: Any, trail: _Trail) -> Any:  # noqa: ANN401  a type, and a value of it
        """Return the value at `trail` as `kind`; raise `UsageError` for one of another type or out of its range."""
        try:
            return msgspec.convert(value, kind, strict=False, dec_hook=self._path)
        except msgspec.ValidationError as error:
            problem, _, where = str(error).partition(" - at `$")
            full = (*trail, *(int(b) if b else a for a, b in re.findall(r"\.(\w+)|\[(\d+)\]", where)))
            if unknown := re.search(r"unknown field `(.*)`", problem):
                owner = next(_INSIDE[key] for key in reversed(full) if key in _INSIDE)
                raise self._unknown(unknown[1], owner, (*full, unknown[1])) from error
            if named := re.match("`([a-z_.]+)` ", problem):
                full = (*full, *named[1].split("."))
            raise self.error(full, problem, _form(problem, full)) from error

    def _path(self, _: type, value: object) -> Path:
        if not isinstance(value, str | Path):
            raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
        return Path(os.path.realpath(self.root / value))  # unlike Path.resolve, it takes a loop of links

    def _unknown(self, key: str, kind: type[Struct], trail: _Trail) -> UsageError:
        known = settings_of(kind)
        if owner := next((words for other, words in self.owners.items() if key in settings_of(other)), None):
            return self.error(trail, f"'{key}' is a setting of {owner}", f"move '{key}' there")
        near = nearest(key, known)
        return self.error(
            trail, f"there is no setting '{key}'", f"write '{near}'" if near else f"use one of: {', '.join(known)}"
        )

    def error(self, trail: _Trail, problem: str, hint: str = "") -> UsageError:
        """Return the error for the setting at `trail`, with its line or that of what it belongs to."""
        ends = [trail[:end] for end in range(len(trail), 0, -1)] if self.compose else ()
        if part := next((self.compose[end] for end in ends if end in self.compose), None):
            return part.error(problem)
        place = self._place(trail)
        return UsageError(
            f"the setting {'.'.join(map(str, (KEY, *trail)))} is not valid",
            reason=f"{place}: {problem[:1].lower()}{problem[1:]}",
            hint=hint or f"fix {place}",
            place=place if isinstance(place, Place) else None,
        )

    def _place(self, trail: _Trail) -> Place | str:
        variable = f"INVOKE_{KEY}_{'_'.join(map(str, trail))}".upper()
        if variable in variables():  # Invoke lets it win over the files
            return variable
        while trail:
            for path in self.files:
                try:
                    line = read_settings_file(path).line_of(trail)
                except (OSError, UsageError):
                    continue
                if line:
                    return Place(path=path, line=line)
            trail = trail[:-1]
        return self.files[0].name


def _form(problem: str, trail: _Trail) -> str:
    """Return how to write a value that has another type than its setting; empty if the problem is another one."""
    if re.search("Expected `str.*got `(int|float|bool)`", problem):
        return "write it in quotes"
    key = trail[-1] if trail and isinstance(trail[-1], str) else None
    if problem.startswith("Expected `array") and key:
        return f"write a list: {key}: [FIRST, SECOND]"
    if problem.startswith("Expected `object") and key:
        return f"write a mapping: {key}: {{NAME: VALUE}}"
    if problem.startswith("Expected `object") and "checks" in trail:
        return "write a mapping, such as {path: /}"
    return ""


@cache
def settings_of(kind: type[Struct]) -> tuple[str, ...]:
    """Return the settings of a struct by their keys in the file, also those of the structs in its fields."""
    found: list[str] = []
    for field in _fields(kind):
        if is_struct(field):
            found += settings_of(field.type)
        elif any(isinstance(one, Meta) and one.description for one in getattr(field.type, "__metadata__", ())):
            found.append(field.encode_name)
    return tuple(found)


@cache
def _fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    found = fields(kind)
    # msgspec evaluates all annotations each time, and does so once more before it converts values.
    kind.__annotations__ |= {one.name: one.type for one in found if one.name in kind.__annotations__}
    return found


def is_struct(field: FieldInfo) -> bool:
    """Return whether a field is a struct of its own, whose settings stand beside the others in the file."""
    return isinstance(field.type, type) and issubclass(field.type, Struct)
