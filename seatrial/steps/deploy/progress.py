"""How far a rollout is, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from seatrial.engine.swarm import Service, ServiceSpec, Task
from seatrial.steps.deploy.service import version_label
from seatrial.wording import pluralize, summarize_names

__all__ = ["describe_rollout", "state_of", "went_back_to"]

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


def state_of(service: Service, tasks: list[Task]) -> str | None:
    """Return what a service still lacks, as text; None if all of it serves, and nothing else of it runs."""
    serving = [one for one in tasks if one.serves and one.is_current]
    wanted = service.spec.replicas
    if service.update_state in ("updating", "rollback_started"):
        return "its update has not ended"
    if wanted is None:
        missing = any(not one.serves for one in tasks if one.wanted == "running" and one.is_current)
        return "not every node serves it" if missing or not serving else None
    if len(serving) < wanted:
        return f"{len(serving)} of {pluralize(wanted, 'replica')} serve"
    return None


def went_back_to(state: str, before: ServiceSpec, wanted: ServiceSpec) -> str:
    """Return what Swarm did after a failure, as text; `before` is the spec from before a rollout to `wanted`.

    They are the same if that rollout was itself the way back.
    """
    if before.image != wanted.image or before == wanted:
        name = before.image_name
    elif before.replicas != wanted.replicas and before.replicas is not None:
        name = pluralize(before.replicas, "replica")
    else:
        name = "the options before"
    if state == "rollback_completed":
        return f"Swarm went back to {name}"
    if state == "rollback_paused":
        return f"and the way back to {name} failed, too"
    return f"the way back to {name} has not ended"


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
