"""The ports that a Dockerfile exposes, as far as they are known before the build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from seatrial.sources.dockerfile import shipped_instructions
from seatrial.sources.dockerfile_lines import Instruction, escape_character, instructions
from seatrial.sources.dockerfile_variables import DockerfileError, expand, shell_words

__all__ = ["exposed_ports"]

_PORT: Final = re.compile(
    r"(?:.*:)?(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<protocol>tcp|udp|sctp))?", re.IGNORECASE
)
_HIGHEST_PORT = 65535


def exposed_ports(text: str, build_args: Mapping[str, str] | None = None, target: str | None = None) -> tuple[str, ...]:
    """Return the ports that `target` (or the last stage) exposes, also by the stages below it, as in `5000/tcp`.

    What the base image exposes is not among them, and neither is a port whose value only the build knows.
    """
    arguments = build_args or {}
    try:
        shipped = shipped_instructions(text, arguments, target)
        known = _global_arguments(text, arguments)
        values: dict[str, str] = {}
        ports: list[str] = []
        for one in shipped:
            if one.keyword == "FROM":
                values = {name: value for name, value in values.items() if name not in known}
            elif one.keyword in ("ARG", "ENV"):
                values |= _assigned(one, text, values, {**known, **arguments})
            elif one.keyword == "EXPOSE":
                ports += _ports(one, text, values)
    except DockerfileError:
        return ()
    return tuple(dict.fromkeys(ports))


def _global_arguments(text: str, build_args: Mapping[str, str]) -> dict[str, str]:
    """Return the ARGs before the first FROM with their values."""
    values: dict[str, str] = {}
    for one in instructions(text):
        if one.keyword == "FROM":
            break
        if one.keyword == "ARG":
            values |= _assigned(one, text, values, build_args)
    return values


def _assigned(
    instruction: Instruction, text: str, values: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Return what an ARG or ENV sets; `given` are the values that an ARG takes before its default."""
    escape, found = escape_character(text), dict[str, str]()
    words = shell_words(instruction.rest, raw=True)
    if instruction.keyword == "ENV" and words and "=" not in words[0]:  # the old form ENV NAME VALUE
        words = [f"{words[0]}={instruction.rest.partition(words[0])[2].strip()}"]
    for word in words:
        name, equals, value = word.partition("=")
        if instruction.keyword == "ARG" and name in given:
            found[name] = given[name]
        elif equals:
            found[name] = expand(value, values, escape=escape, line=instruction.line)
    return found


def _ports(instruction: Instruction, text: str, values: Mapping[str, str]) -> Iterator[str]:
    filled = expand(instruction.rest, values, escape=escape_character(text), line=instruction.line)
    for word in filled.split():
        port = _PORT.fullmatch(word)
        if port is None:
            continue
        first = int(port["first"])
        for number in range(first, min(int(port["last"] or first), _HIGHEST_PORT) + 1):
            yield f"{number}/{(port['protocol'] or 'tcp').lower()}"
