"""Whether a hint can be typed: its commands are parsed as the programs that they name would parse them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache

from invoke.collection import Collection
from invoke.exceptions import ParseError
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from seatrial import tasks
from seatrial.cli.task import known_flags
from seatrial.errors import SeatrialError
from seatrial.model.platforms import parse_platforms
from seatrial.model.reference import parse_registry, parse_user
from seatrial.model.version import Version
from seatrial.output.hints import Call

__all__ = ["wrong_commands"]

PREFIX = "ship."
_COMMAND = re.compile(
    r"(?<![\w/.'-])(?<!-aG )(?!docker group)(?:\./inv|invoke|seatrial|docker|git)(?: [^\s(),;#<…]+(?<![.]))+"
)
_OURS = ("./inv", "invoke", "seatrial")
_CHORES = {"test", "dev.engines", "dev.lint", "dev.lock", "dev.reference"}
# What may follow the program's name in a hint.
_OTHERS = {
    "docker": "buildx config context events image images info inspect load login logout logs manifest network node ps"
    " pull push rename rm save secret service start stop swarm system tag unpause version",
    "git": "add commit config fetch init log rev-parse stash status submodule tag",
}
_VALUES: dict[str, Callable[[str], object]] = {
    "version": Version.parse,
    "to": Version.parse,
    "user": parse_user,
    "registry": parse_registry,
    "platform": lambda value: parse_platforms([value]),
    "lock_wait": float,
    "port": int,
}


@cache
def wrong_commands(hint: str) -> list[str]:
    """Return what is wrong with the commands in a hint, whether the tasks are a collection of their own or a part."""
    return [problem for prefix in ("", PREFIX) for problem in _problems(hint, prefix)]


def _problems(hint: str, prefix: str) -> Iterator[str]:
    if hint.startswith("--"):
        names = [name for name, flags in known_flags().items() if hint.split(maxsplit=1)[0] in flags]
        found = [list(_problems(f"invoke {name} {hint}", prefix)) for name in names]
        if all(found):
            yield from (found or [[f"no task takes {hint}"]])[0]
        return
    completed = Call(program="invoke", prefix=prefix, tasks=known_flags()).complete(hint)
    for command in _COMMAND.findall(completed):
        program, *words = command.split(" ")
        if program not in _OURS:
            name = words[2] if words[0] == "-C" else words[0]
            if name not in _OTHERS[program].split():
                yield f"{command!r}: {program} {name} is not known"
        elif words[0] not in _CHORES and (problem := _parse(shlex.split(" ".join(words)), prefix)):
            yield f"{command!r}: {problem}"


def _parse(words: list[str], prefix: str) -> str:
    """Return why Invoke or we would refuse these words, or nothing."""
    try:
        if words[0] in ("--list", "--version", "--debug", "--help"):
            words = words[1:]
        elif words[0] in ("--environment", "-f"):
            words = words[2:]
        named = [one for one in _contexts(prefix) if not {one.name, *one.aliases}.isdisjoint(words)]  # all are slow
        for context in Parser(contexts=named).parse_argv(words):
            for name, argument in context.args.items():
                for value in argument.value if isinstance(argument.value, list) else [argument.value]:
                    if isinstance(value, str) and not value.isupper() and name in _VALUES:
                        _VALUES[name](value)
    except (ParseError, SeatrialError, ValueError) as error:
        return f"{error}"
    return ""


@cache
def _contexts(prefix: str) -> list[ParserContext]:
    collection = tasks.ns
    if prefix:
        collection = Collection()
        collection.add_collection(tasks.ns, name=prefix.rstrip("."))
    return list(collection.to_contexts())
