"""The collection of the user's tasks.py, which Invoke loads but does not hand to a task, and our own kind of task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Any

from invoke.collection import Collection
from invoke.tasks import Task

from seatrial.cli.flags import Flag

__all__ = ["SeatrialTask", "users_collection"]


class SeatrialTask(Task[Callable[..., None]]):
    """A task whose flags are its `flags`, by their names; its `examples` can be typed."""

    flags: Mapping[str, Flag]
    examples: tuple[str, str]
    summary: str

    def __deepcopy__(self, memo: object) -> SeatrialTask:
        """Return the task itself, since it does not change; Invoke copies the tasks of each collection twice."""
        return self

    def argspec(self, body: Callable[..., None]) -> Signature:  # noqa: ARG002  Invoke's
        """Return the flags as Invoke reads them."""
        kind = Parameter.POSITIONAL_OR_KEYWORD
        return Signature([Parameter(name, kind, default=one.default) for name, one in self.flags.items()])

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """Return what Invoke needs to know of a flag."""
        options = super().arg_opts(name, default, taken_names)
        options["help"] = self.flags[name].help
        options["names"] += self.flags[name].short
        return options


def users_collection() -> Collection | None:
    """Return the collection of the tasks.py that Invoke has loaded, or None if there is none."""
    module = sys.modules.get("tasks")
    return Collection.from_module(module) if module else None
