"""Values of a compose file that are written in more than one way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.settings.compose_file import Part

__all__ = ["command", "environment", "number", "pairs", "seconds", "size", "texts"]

_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+|0", re.ASCII)
_PIECE = re.compile(r"([0-9.]+)([a-zµ]+)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(part: Part) -> float:
    """Return the seconds of a duration such as `1m30s` or `500ms`."""
    text = part.text()
    if not _DURATION.fullmatch(text):
        raise part.error("a duration is written like 30s, 1m30s or 500ms")
    return round(sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text)), 9)


def number(part: Part) -> float:
    """Return a number, also of a text such as `.5`."""
    try:
        return float(part.text())
    except ValueError:
        raise part.error("a number is written like 2, 0.5 or .5") from None


def size(part: Part) -> str:
    """Return a size such as `64m`; the unit may be in capitals."""
    return part.text().lower()


def texts(part: Part) -> list[str]:
    """Return the texts of a list; one text stands for a list of it."""
    return [one.text() for one in part.list()] if isinstance(part.value, list) else [part.text()]


def command(part: Part) -> list[str]:
    """Return the command of a health check; a text is for the shell, and `[NONE]` turns the image's off."""
    words = texts(part)
    if not isinstance(part.value, list):
        words = ["CMD-SHELL", *words]
    match words:
        case ["NONE"]:
            return words
        case ["CMD", _, *_]:
            return words[1:]
        case ["CMD-SHELL", line]:
            return ["/bin/sh", "-c", line]
    raise part.error("a test is a text, [CMD, PROGRAM, ARGUMENT …], [CMD-SHELL, TEXT] or [NONE]")


def pairs(part: Part) -> Iterator[tuple[str, str | None, Part]]:
    """Yield the names and values of a mapping or of a list of NAME=VALUE; the value of a name alone is None."""
    for one in list(part.list()) if isinstance(part.value, list) else [one for _, one in part.items()]:
        if isinstance(part.value, list):
            name, equals, value = one.text().partition("=")
        else:
            name, equals = str(one.trail[-1]), "" if one.value is None else "="
            value = one.text() if equals else ""
        if not name:
            raise one.error("it has no name, as in NAME=VALUE")
        yield name, value if equals else None, one


def environment(part: Part) -> Iterator[tuple[str, str | None, Part]]:
    """Yield variables; one without a value has that of the environment.

    One that the environment does not have, either, is None: the container does not get it from an env file.
    """
    for name, value, one in pairs(part):
        yield name, one.file.variables.get(name) if value is None else value, one
