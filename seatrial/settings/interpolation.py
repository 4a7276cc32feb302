"""Variables of the environment in settings, and env files: both as docker compose reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from seatrial.errors import UsageError, sanitize
from seatrial.host.regular_files import read_regular_file

__all__ = ["interpolate", "read_env_file"]

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<operator>:?[-?+]|(?=\})))", re.ASCII
)
_BRACE = re.compile(r"\$\{|\}")
_BLANK = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t\r]*(?:#[^\n]*\Z)?")
_ENTRY = re.compile(
    r"(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*(?:[=:][ \t]*(?:"
    r"'(?P<single>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\"|(?P<bare>(?!['\"])[^\n]*?)))?"
    r"(?:[ \t]*\ \#[^\n]*|[ \t\r]*)(?:\n|\Z)",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([abfnrtv$\"\\])|0([0-7]{3}))")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def interpolate(text: str, variables: Mapping[str, str], *, strict: bool = True) -> str:
    """Return a text with its variables filled in: `$NAME`, `${NAME}`, `${NAME:-default}`; `$$` stands for `$`.

    Raise `UsageError` for a variable without a value and, if `strict`, for a `$` that is not part of one.
    """
    return "".join(_parts(text, variables, strict=strict))


def _parts(text: str, variables: Mapping[str, str], *, strict: bool) -> Iterator[str]:
    position = 0
    while (start := text.find("$", position)) >= 0:
        yield text[position:start]
        found = _VARIABLE.match(text, start)
        if found is None and not strict:
            yield "$"
            position = start + 1
            continue
        if found is None:
            raise UsageError(
                "a $ without a variable's name", reason="write $$ for the character $", hint="write $$ instead of $"
            )
        position = found.end()
        if found["braced"]:
            rest, position = _up_to_brace(text, position)
            yield _value(found["braced"], found["operator"], rest, variables)
        else:
            yield "$" if found["dollar"] else _value(found["name"], "", "", variables)
    yield text[position:]


def _up_to_brace(text: str, start: int) -> tuple[str, int]:
    """Return what is left of a `${…}`, and the position after it."""
    depth = 1
    for found in _BRACE.finditer(text, start):
        depth += 1 if found[0] == "${" else -1
        if not depth:
            return text[start : found.start()], found.end()
    raise UsageError("a ${ without its }", reason="the variable's end is missing", hint="close it with }")


def _value(name: str, operator: str, rest: str, variables: Mapping[str, str]) -> str:
    value = variables.get(name)
    given = value if value or (value is not None and not operator.startswith(":")) else None
    match operator[-1:]:
        case "-" if given is None:
            return interpolate(rest, variables)
        case "+":
            return "" if given is None else interpolate(rest, variables)
    if given is None:
        raise UsageError(
            f"the environment variable {name} is {'not set' if value is None else 'empty'}",
            reason=(operator and sanitize(interpolate(rest, variables), limit=120)) or "it has no default",
            hint=f"set {name}, or write ${{{name}:-DEFAULT}}; $$ stands for a $",
        )
    return given


def read_env_file(path: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an env file; those without a value are taken from `variables`, if they are there.

    Raise `UsageError` with file and line.
    """
    try:
        text = read_regular_file(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path} cannot be read", reason=words or str(error), hint=f"fix {path}") from error
    values: dict[str, str] = {}
    position = _end(_BLANK, text, 0)
    while position < len(text):
        place = f"{path}:{text.count(chr(10), 0, position) + 1}"
        found = _ENTRY.match(text, position)
        if found is None:
            raise UsageError(
                f"{place} is not valid", reason="a line is NAME=VALUE, with VALUE in quotes or not", hint=f"fix {place}"
            )
        try:
            value = _entry_value(found, {**values, **variables})
        except UsageError as error:
            raise UsageError(f"{place} is not valid", reason=str(error), hint=error.hint) from error
        if value is not None:
            values[found["name"]] = value
        position = _end(_BLANK, text, found.end())
    return values


def _entry_value(found: re.Match[str], variables: Mapping[str, str]) -> str | None:
    if found["single"] is not None:
        return found["single"].replace("\\'", "'")
    if found["double"] is not None:
        return interpolate(_ESCAPE.sub(_unescaped, found["double"]), variables, strict=False)
    if found["bare"] is not None:
        return interpolate(found["bare"].strip(), variables, strict=False)
    return variables.get(found["name"])


def _unescaped(found: re.Match[str]) -> str:
    if found[2]:
        return chr(int(found[2], 8))
    return "$$" if found[1] == "$" else _ESCAPES.get(found[1], found[1])


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
