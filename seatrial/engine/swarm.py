"""Docker Swarm as Seatrial sees it: services, their tasks, and nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from seatrial.errors import Unavailable
from seatrial.model.deployment import LABELS_LABEL, OWN_LABEL, Order, PublishedPort
from seatrial.registry.credentials import Credential

__all__ = ["NoLeader", "Node", "NotAManager", "Service", "ServiceSpec", "Swarm", "Task"]

_FAILED = ("failed", "rejected", "complete")
_ENDED = (*_FAILED, "shutdown", "orphaned", "remove")


class NotAManager(Unavailable):
    """The engine is not a manager of a swarm."""

    cause = "no-swarm"


class NoLeader(Unavailable):
    """Too few managers of the swarm answer to read or change anything."""

    cause = "no-leader"


class ServiceSpec(Struct, frozen=True, kw_only=True):
    """What a service runs, and how.

    `image` is a name with a digest. Without `replicas` it runs once on each node. `ports` begin with the app's own.
    `tmpfs` are writable paths besides /tmp; `volumes` maps mount paths to named volumes, `secrets` and `configs` map
    names to files in the container. `container_labels` are those that are not ours. Sizes are in bytes, times in
    seconds. A health check without a command is the image's own, with what is given here; `NO_HEALTH_CHECK` turns that
    off.
    """

    name: str
    image: str
    labels: Mapping[str, str] = {}
    replicas: int | None = 1
    environment: Mapping[str, str] = {}
    ports: tuple[PublishedPort, ...] = ()
    memory: int = 0
    pids: int = 0
    cpus: float = 0.0
    reserved_memory: int = 0
    reserved_cpus: float = 0.0
    hardened: bool = True
    tmpfs: tuple[str, ...] = ()
    volumes: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    configs: Mapping[str, str] = {}
    constraints: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    health_command: tuple[str, ...] = ()
    health_interval: float = 0.0
    health_retries: int = 0
    health_timeout: float = 0.0
    health_start_period: float = 0.0
    stop_grace: float = 10.0
    order: Order = "stop-first"
    parallelism: int = 1
    delay: float = 0.0
    monitor: float = 5.0
    rolls_back: bool = True
    container_labels: Mapping[str, str] = {}
    log_driver: str = ""
    log_options: Mapping[str, str] = {}

    @property
    def own_port(self) -> PublishedPort | None:
        """The port that the app itself listens on, as it is told by PORT; else the first."""
        wanted = self.environment.get("PORT")
        named = (one for one in self.ports if (str(one.target), one.protocol) == (wanted, "tcp"))
        return next(named, next(iter(self.ports), None))

    @property
    def own_labels(self) -> dict[str, str]:
        """The labels that say whose everything of the service is."""
        return {key: one for key, one in self.labels.items() if key.startswith(OWN_LABEL) and key != LABELS_LABEL}

    @property
    def image_name(self) -> str:
        """The image's name without the digest."""
        return self.image.partition("@")[0]

    @property
    def digest(self) -> str:
        """The image's digest; empty if it is not known."""
        return self.image.partition("@")[2]


class Service(Struct, frozen=True, kw_only=True):
    """A service: its spec now and before its last update, and how that update ended (`completed`, empty for none).

    `version` counts its changes. `raw` and `raw_labels` are the engine's own description.
    """

    id: str
    version: int
    spec: ServiceSpec
    previous: ServiceSpec | None = None
    update_state: str = ""
    update_message: str = ""
    raw: Mapping[str, Any] = {}

    @property
    def identity(self) -> str:
        """An identity that every change changes."""
        return f"{self.spec.name}@{self.version}"


class Task(Struct, frozen=True, kw_only=True):
    """A container of a service, or the wish for one.

    `wanted` is the state that Swarm wants it to have. `is_current` is whether it is made from the service's spec of
    now. `error` is the engine's message, `node` a node's id; `number` tells the replicas of a service apart.
    """

    id: str
    number: int = 0
    node: str = ""
    state: str
    wanted: str = "running"
    error: str = ""
    exit_code: int = 0
    container: str = ""
    image: str = ""
    is_current: bool = True

    @property
    def image_name(self) -> str:
        """The image's name without the digest."""
        return self.image.partition("@")[0]

    @property
    def place(self) -> object:
        """What its successor has in common with it: its number, or its node where each has one."""
        return self.number or self.node

    @property
    def serves(self) -> bool:
        """Whether its container runs, is healthy if it has a health check, and shall go on running."""
        return self.state == self.wanted == "running"

    @property
    def failed(self) -> bool:
        """Whether it ended by itself, or was never started."""
        return self.state in _FAILED

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.state in _ENDED


class Node(Struct, frozen=True, kw_only=True):
    """A node of the swarm: its host name, its address, and whether its containers run.

    It may be neither `ready` nor `down`: a manager that was just restarted does not know yet.
    """

    id: str
    name: str
    address: str
    ready: bool = True
    down: bool = False


class Swarm(Protocol):
    """What Seatrial needs from a swarm; all but `is_manager` and `init` may raise `NotAManager` and `NoLeader`."""

    def is_manager(self) -> bool:
        """Return whether the engine is a manager of a swarm."""
        ...

    def init(self, address: str | None) -> None:
        """Make a swarm with this engine as its only node, which others reach at `address` (None: the only one)."""
        ...

    def require(self, spec: ServiceSpec) -> None:
        """Raise `StepFailed` unless the secrets, configs and networks of a service exist."""
        ...

    def service(self, name: str) -> Service | None:
        """Return the service of that name, or None."""
        ...

    def create(self, spec: ServiceSpec, credential: Credential | None) -> None:
        """Create a service."""
        ...

    def update(self, service: Service, spec: ServiceSpec, credential: Credential | None) -> None:
        """Replace a service's spec; raise `Conflict` if somebody else has just done so."""
        ...

    def scale(self, service: Service, replicas: int) -> None:
        """Change only how many containers a service has; raise `Conflict` as above."""
        ...

    def roll_back(self, service: Service) -> None:
        """Bring back the spec that a service had before its last update."""
        ...

    def remove(self, service_id: str) -> None:
        """Remove a service; do nothing if it is absent. Its containers end a little later."""
        ...

    def tasks(self, service: Service) -> list[Task]:
        """Return the tasks of a service, the newest first; ended ones as far as the swarm has kept them."""
        ...

    def log(self, task_id: str, *, tail: int) -> tuple[str, ...]:
        """Return the last lines that a task's container wrote, on whatever node."""
        ...

    def nodes(self) -> list[Node]:
        """Return the nodes of the swarm."""
        ...
