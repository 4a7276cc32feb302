"""Make tasks from flag groups."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from invoke.context import Context

from seatrial.cli.chain import Chain, read_chain
from seatrial.cli.collection import SeatrialTask, users_collection
from seatrial.cli.command import command
from seatrial.cli.flags import CheckFlag, ExplainFlags, Flag, Flags, JsonFlag
from seatrial.cli.project import program_words
from seatrial.output.hints import Call

__all__ = ["known_flags", "task"]


_T = TypeVar("_T", bound=Flags)
_REPEATED = ("app", "user", "registry")
_FLAGS: dict[str, Mapping[str, Flag]] = {}
"""The flags of every task."""


def task(
    *groups: type[Flags], examples: tuple[str, str], check: bool = True, json: bool = True
) -> Callable[[Callable[..., None]], SeatrialTask]:
    """Return a decorator that makes a task of a function: it is called with a `Command`, and one object for each group.

    The task also takes --json, unless `json` is False; and as it carries out steps, unless `check` is False, --check
    and the flags for how much is printed and for explaining. `examples` are commands, each with a comment if it needs
    one; help and docs/tasks.md show them.
    """
    every: list[type[Flags]] = [*groups, *([CheckFlag, ExplainFlags] if check else []), *([JsonFlag] if json else [])]
    flags: dict[str, Flag] = {name: one for group in every for name, one in group.flags.items()}

    def decorate(function: Callable[..., None]) -> SeatrialTask:
        @functools.wraps(function)
        def body(c: Context, **given: Any) -> None:  # noqa: ANN401  as people type them
            given = {name: one.default for name, one in flags.items()} | given

            def made(group: type[_T]) -> _T:
                return group(**{name: given[name] for name in group.flags})

            modes = {name: given[name] for name in ("check", "json", "version") if name in flags}
            output = made(ExplainFlags) if check else ExplainFlags()
            with command(c, _call(c, function.__name__, given), _chain(), **modes, output=output) as cmd:
                function(cmd, *(made(group) for group in groups))

        body.__doc__ = "\n".join((function.__doc__ or "", "", "Examples:", *(f"  {one}" for one in examples)))
        result = SeatrialTask(
            body,
            positional=[],
            auto_shortflags=False,
        )
        result.flags = _FLAGS[function.__name__] = flags
        result.examples, result.summary = examples, function.__doc__ or ""
        return result

    return decorate


@functools.cache
def known_flags() -> Mapping[str, Mapping[str, bool]]:
    """Return the flags of every task as they are typed, and whether each takes a value; hints are completed with them.

    Call it when all tasks are made.
    """
    return {
        task: {
            typed: one.default is not False
            for name, one in flags.items()
            for typed in (f"--{name.replace('_', '-')}", *(f"-{letter}" for letter in one.short))
        }
        for task, flags in _FLAGS.items()
    }


@functools.cache
def _chain() -> Chain:
    """Return the tasks of ours that this process was called with."""
    return read_chain(sys.argv[1:], known_flags(), _is_ours)


def _is_ours(word: str) -> bool:
    collection = users_collection()
    if collection is None:
        return word in _FLAGS
    try:
        return isinstance(collection[word], SeatrialTask)
    except (KeyError, ValueError):
        return False


def _call(c: Context, task: str, given: Mapping[str, Any]) -> Call:
    """Return how the task was called, from the process's arguments and the flags that were given."""
    typed = next((word for word in sys.argv[1:] if word == task or word.endswith(f".{task}")), task)
    return Call(
        program=program_words(c.config),
        prefix=typed.removesuffix(task),
        task=task,
        flags={f"--{name}": _values(given[name]) for name in _REPEATED if given.get(name)},
        tasks=known_flags(),
    )


def _values(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given
