"""The collection of the user's tasks.py, which Invoke loads but does not hand to a task."""

from __future__ import annotations

import sys

from invoke.collection import Collection

__all__ = ["users_collection"]


def users_collection() -> Collection | None:
    """Return the collection of the tasks.py that Invoke has loaded, or None if there is none."""
    module = sys.modules.get("tasks")
    return Collection.from_module(module) if module else None
