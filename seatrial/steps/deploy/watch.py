"""What the manager of a swarm says about a service during its rollout, also if the manager is restarted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Node, Service, Swarm, Task
from seatrial.errors import Conflict, StepFailed, Unavailable
from seatrial.events import Waiting
from seatrial.pipeline.world import World

__all__ = ["Watch"]

_PAUSE = 0.2
_AWAY_SECONDS = 60.0

_T = TypeVar("_T")


class Watch(Struct, kw_only=True, dict=True):
    """The manager's view of the service `name`; `restarted` is whether the manager was away.

    A rollout goes on without it, so it is waited for. Every method raises `Unavailable` if that takes too long.
    """

    world: World
    name: str
    emit: Emit
    restarted: bool = False

    def service(self) -> Service:
        """Return the service as it is now."""
        found = self._ask(lambda swarm: swarm.service(self.name))
        if found is None:
            raise StepFailed(
                f"the service {self.name} was removed during its rollout",
                reason="somebody else removed it",
                hint="run it again",
                cause="service-removed",
            )
        return found

    def service_and_tasks(self) -> tuple[Service, list[Task]]:
        """Return the service and its tasks as they are now."""
        service = self.service()
        return service, self._ask(lambda swarm: swarm.tasks(service))

    def nodes(self) -> list[Node]:
        """Return the nodes as they are now."""
        return self._ask(lambda swarm: swarm.nodes())

    def node_name(self, node_id: str) -> str:
        """Return the name of a node."""
        return self._names.get(node_id, "a node")

    def roll_back(self) -> None:
        """Bring back the spec that the service had before its last update."""
        for again in (True, True, False):
            try:
                self.world.engine.swarm.roll_back(self.service())
            except Conflict:  # Swarm has just noted how far the update is
                if not again:
                    raise
            else:
                return

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {one.id: one.name for one in self.nodes()}

    def _ask(self, question: Callable[[Swarm], _T]) -> _T:
        deadline = time.monotonic() + _AWAY_SECONDS
        while True:
            try:
                return question(self.world.engine.swarm)
            except Unavailable as error:
                if time.monotonic() >= deadline:
                    raise self._gone(error) from error
                self.restarted = True
                self.emit(Waiting(text=f"the manager is away ({error.reason})"))
                time.sleep(_PAUSE)

    def _gone(self, error: Unavailable) -> Unavailable:
        """Return the error for a manager that does not come back."""
        hint = f"docker service ps {self.name}; later run it again, it waits for the end of the rollout"
        return error.but(reason=f"{error.reason}; the rollout goes on without it", hint=hint)
