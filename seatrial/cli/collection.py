"""The collection of the user's tasks.py, which Invoke loads but does not hand to a task, and our own kind of task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from invoke.collection import Collection
from invoke.parser.argument import Argument
from invoke.tasks import Task

from seatrial.cli.flags import Flag

__all__ = ["SeatrialTask", "users_collection"]


class _Argument(Argument):
    """A flag as Invoke reads it, which is copied fast: Invoke copies those of all tasks before it reads any."""

    def __deepcopy__(self, memo: object) -> _Argument:
        copy = object.__new__(_Argument)
        vars(copy).update(vars(self))  # values are replaced, never changed
        return copy


class SeatrialTask(Task[Callable[..., None]]):
    """A task whose flags are its `flags`, by their names; its `examples` can be typed."""

    flags: Mapping[str, Flag]
    examples: tuple[str, str]
    summary: str

    def __deepcopy__(self, memo: object) -> SeatrialTask:
        """Return the task itself, since it does not change; Invoke copies the tasks of each collection twice."""
        return self

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:  # noqa: ARG002, FBT001  Invoke's
        """Return the flags as Invoke reads them."""
        return [
            _Argument(
                names=(name.replace("_", "-"), *one.short),
                kind=list if one.repeatable else str if one.default is None else type(one.default),
                default=[] if one.repeatable else one.default,
                help=one.help,
                attr_name=name if "_" in name else None,
            )
            for name, one in self.flags.items()
        ]


def users_collection() -> Collection | None:
    """Return the collection of the tasks.py that Invoke has loaded, or None if there is none."""
    module = sys.modules.get("tasks")
    return Collection.from_module(module) if module else None
