"""The collection of the user's tasks.py, which Invoke loads but does not hand to a task, and our own kind of task."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from invoke.collection import Collection
from invoke.tasks import Task

__all__ = ["SeatrialTask", "users_collection"]


class SeatrialTask(Task[Callable[..., None]]):
    """A task that takes help and short letters from its `flags`, by their names; its `examples` can be typed."""

    flags: dict[str, tuple[str, str]]
    examples: tuple[str, str]
    summary: str

    def __deepcopy__(self, memo: object) -> SeatrialTask:
        """Return the task itself, since it does not change; Invoke copies the tasks of each collection twice."""
        return self

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """Return what Invoke needs to know of a flag."""
        options = super().arg_opts(name, default, taken_names)
        options["help"], short = self.flags[name]
        options["names"] += short
        return options


def users_collection() -> Collection | None:
    """Return the collection of the tasks.py that Invoke has loaded, or None if there is none."""
    module = sys.modules.get("tasks")
    return Collection.from_module(module) if module else None
