"""The swarm of the engine in memory: one node, whose services really listen on their published port."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.engine.swarm import Node, NotAManager, Service, ServiceSpec, Task
from seatrial.errors import Conflict, StepFailed
from seatrial.registry.credentials import Credential
from tests.engine.memory.server import Program, serve

__all__ = ["MemorySwarm"]

_NODE = Node(id="n1", name="memory", address="127.0.0.1")


@dataclass
class MemorySwarm:
    """A swarm in memory.

    `behaviour` returns for the digest of an image what a container of it runs, None for one that ends at once, and the
    image. `things` are the names of its secrets, configs and networks. An update to an image that ends is rolled back.
    """

    behaviour: Callable[[str], tuple[Program | None, Image]]
    manages: bool = False
    things: set[str] = field(default_factory=set)
    updates: list[str] = field(default_factory=list)
    _services: dict[str, Service] = field(default_factory=dict)
    _tasks: dict[str, list[Task]] = field(default_factory=dict)
    _servers: dict[str, ThreadingHTTPServer] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def is_manager(self) -> bool:
        """Return whether there is a swarm."""
        return self.manages

    def init(self, address: str | None) -> None:
        """Make a swarm."""
        self.manages = True

    def require(self, spec: ServiceSpec) -> None:
        """Raise `StepFailed` for a secret, config or network that is not there."""
        for name in (*spec.secrets, *spec.configs, *spec.networks):
            if name not in self.things:
                raise StepFailed(f"there is no {name}", reason="the swarm has none", hint="docker info")

    def service(self, name: str) -> Service | None:
        """Return the service of that name, or None."""
        if not self.manages:
            raise NotAManager("the engine manages no swarm", reason="there is none", hint="invoke up --swarm")
        return self._services.get(name)

    def create(self, spec: ServiceSpec, credential: Credential | None) -> None:
        """Create a service."""
        self.updates.append(f"create {spec.image}")
        self._services[spec.name] = Service(id=spec.name, version=next(self._numbers), spec=spec)
        self._start(spec)

    def update(self, service: Service, spec: ServiceSpec, credential: Credential | None) -> None:
        """Replace a service's spec, and go back at once if its image ends."""
        now = self._services[service.spec.name]
        if now.version != service.version:
            raise Conflict("somebody else has just changed it", reason="update out of sequence", hint="run it again")
        self.updates.append(f"update {spec.image}")
        fits = self._start(spec)
        state = "completed" if fits else "rollback_completed"
        if not fits:
            self._start(now.spec)
        self._services[spec.name] = Service(
            id=now.id,
            version=next(self._numbers),
            spec=spec if fits else now.spec,
            previous=now.spec if fits else None,
            update_state=state,
        )

    def scale(self, service: Service, replicas: int) -> None:
        """Change only how many containers a service has."""
        self.update(service, replace(service.spec, replicas=replicas), None)

    def roll_back(self, service: Service) -> None:
        """Bring back the spec that a service had before its last update."""
        now = self._services[service.spec.name]
        assert now.previous
        self.updates.append(f"roll back to {now.previous.image}")
        self._start(now.previous)
        self._services[service.spec.name] = replace(
            now,
            version=next(self._numbers),
            spec=now.previous,
            previous=now.spec,
            update_state="rollback_completed",
        )

    def remove(self, service_id: str) -> None:
        """Remove a service and end its containers."""
        self._services.pop(service_id, None)
        self._stop(service_id)

    def tasks(self, service: Service) -> list[Task]:
        """Return the tasks of a service, the newest first."""
        return self._tasks.get(service.id, [])

    def log(self, task_id: str, *, tail: int) -> tuple[str, ...]:
        """Return a log, which is always the same line."""
        return ("startup failed",)

    def nodes(self) -> list[Node]:
        """Return the only node."""
        return [_NODE]

    def close(self) -> None:
        """End everything that listens."""
        for name in list(self._servers):
            self._stop(name)

    def _start(self, spec: ServiceSpec) -> bool:
        """Replace a service's tasks, and return whether the new ones run."""
        self._stop(spec.name)
        program, image = self.behaviour(spec.digest)
        number = next(self._numbers)
        ended = [replace(one, wanted="shutdown", is_current=False) for one in self._tasks.get(spec.name, ())]
        ended = [replace(one, state="shutdown") if one.state == "running" else one for one in ended]
        if program is None:
            ending = {"state": "failed", "error": "task: non-zero exit (3)", "exit_code": 3, "container": f"c{number}"}
            self._tasks[spec.name] = [
                Task(id=f"t{number}", number=1, node=_NODE.id, image=spec.image, **ending),  # type: ignore[arg-type]
                *ended,
            ]
            return False
        assert spec.own_port
        self._servers[spec.name] = serve(program, image.labels, spec.own_port.published)
        running = [
            Task(id=f"t{number}.{one}", number=one, node=_NODE.id, state="running", image=spec.image)
            for one in range(1, (spec.replicas or 1) + 1)
        ]
        self._tasks[spec.name] = [*running, *ended]
        return True

    def _stop(self, name: str) -> None:
        if server := self._servers.pop(name, None):
            server.shutdown()
            server.server_close()
