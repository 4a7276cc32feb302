"""How far a rollout is, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from seatrial.engine.swarm import Service, Task
from seatrial.steps.deploy.service import version_label
from seatrial.wording import pluralize, summarize_names

__all__ = ["describe_rollout"]

_SERVING, _OLD, _ENDING = "serving", "not updated yet", "ending"
_STATES = {"preparing": "preparing", "ready": "prepared", "starting": "starting", "running": "starting"}
_EARLY = "pending"
_ORDER = (_EARLY, "preparing", "prepared", "starting", _OLD, _ENDING)


def describe_rollout(service: Service, tasks: Iterable[Task], node_name: Callable[[str], str]) -> str:
    """Return how many replicas serve what the service now is, and what the others do, each time with the nodes.

    `node_name` returns a node's name for its id.
    """
    groups: dict[str, Counter[str]] = {}
    for one in tasks:
        if (group := _group(one)) is not None:
            groups.setdefault(group, Counter())[node_name(one.node) if group != _EARLY else ""] += 1
    serving = groups.get(_SERVING, Counter())
    wanted = sum(map(Counter.total, groups.values())) if service.spec.replicas is None else service.spec.replicas
    what = f"version {version}" if (version := version_label(service.spec)) else service.spec.image_name
    first = f"{serving.total()} of {pluralize(wanted, 'replica')} serving {what}{_at(serving)}"
    return "; ".join([first, *(f"{group}{_at(groups[group])}" for group in _ORDER if group in groups)])


def _group(task: Task) -> str | None:
    """Return what a task does on the way from the old spec to the new one; None if it has ended."""
    if task.ended:
        return None
    if task.is_current and task.wanted in ("running", "ready"):
        return _SERVING if task.serves else _STATES.get(task.state, _EARLY)
    return _OLD if task.serves else _ENDING if task.state == "running" else None


def _at(nodes: Counter[str]) -> str:
    """Return on which nodes; how many if there are several on one."""
    names = [f"{name} ({count})" if count > 1 else name for name, count in sorted(nodes.items()) if name]
    return f": {summarize_names(names)}" if names else ""
