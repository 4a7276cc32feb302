"""How an app is run as a service of Docker Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from seatrial.model.setting_types import Parsed, Port, Processors, Seconds, Text, Validated, about
from seatrial.model.sizes import parse_memory

__all__ = [
    "LABELS_LABEL",
    "NO_HEALTH_CHECK",
    "OWN_LABEL",
    "Deployment",
    "Order",
    "Protocol",
    "PublishMode",
    "PublishedPort",
]

PublishMode = Literal["ingress", "host"]
"""Where a port is published: on every node of the swarm, or on the nodes where a container runs."""
Protocol = Literal["tcp", "udp"]
"""What a port speaks."""
Order = Literal["start-first", "stop-first"]
"""What an update does first: start the new container, or stop the old one."""

NO_HEALTH_CHECK = ("NONE",)
"""The health check's command that turns the image's own off, in the engine's words."""
OWN_LABEL = "seatrial."
"""How the names of our own labels begin."""
LABELS_LABEL = "seatrial.labels"
"""Label of a service: the names of its labels that the settings say, so that one that they no longer say goes."""

_Count = Annotated[int, Meta(ge=1, le=10000)]
_Pause = Annotated[float, Meta(ge=0, le=86400)]
_Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$")]
_Labels = Mapping[Text, str]
_Path = Annotated[str, Meta(pattern=r"^(/(?!\.\.?(/|$))[^/:,\s]+)+$")]


class PublishedPort(Validated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A port of a container, and where the swarm publishes it."""

    target: Annotated[Port, about("the port in the container")]
    published: Annotated[Port, about("the port on the nodes")]
    protocol: Annotated[Protocol, about("tcp or udp")] = "tcp"
    mode: Annotated[PublishMode, about("ingress: on every node; host: on the nodes where a container runs")] = "ingress"


class Deployment(Validated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an app is run as a service of Docker Swarm."""

    compose: Annotated[
        Path | None, about("a compose file whose service says how it is deployed, where the settings do not")
    ] = None
    compose_service: Annotated[
        Text | None, about("its service in that file; default: the one with the app's name or image, or the only one")
    ] = None
    replicas: Annotated[_Count | None, about("how many containers serve; default: as many as now, at first 1")] = None
    port: Annotated[Port | None, about("the port on the nodes; default: the app's host_port")] = None
    mode: Annotated[
        PublishMode,
        about("ingress publishes the port on every node, host only on the nodes where a container runs"),
    ] = "ingress"
    ports: Annotated[
        tuple[PublishedPort, ...], about("more ports that it publishes; the checks ask the one in port and mode")
    ] = ()
    order: Annotated[
        Order | None, about("what an update does first; default: start-first, with a port in mode host stop-first")
    ] = None
    parallelism: Annotated[int, Meta(ge=0, le=10000), about("how many containers are updated at once; 0: all")] = 1
    delay: Annotated[_Pause, about("seconds between two updates")] = 0.0
    monitor: Annotated[Seconds, about("seconds in which the end of a new container counts as a failure")] = 5.0
    timeout: Annotated[Seconds, about("seconds until a rollout has failed")] = 300.0
    url: Annotated[
        Text | None, about("where the app is checked after a rollout; default: at each node that publishes its port")
    ] = None
    reserved_memory: Annotated[
        int | None, Parsed(parse_memory), about("memory that a node must have left for a container, such as 256m")
    ] = None
    reserved_cpus: Annotated[Processors | None, about("processors that a node must have left for a container")] = None
    constraints: Annotated[tuple[Text, ...], about("which nodes may run it, such as node.role == worker")] = ()
    networks: Annotated[tuple[_Name, ...], about("the overlay networks that it is attached to")] = ()
    secrets: Annotated[
        tuple[_Name, ...] | Mapping[_Name, _Name],
        about("secrets of the swarm, which the app reads from /run/secrets/NAME, or each with another file's name"),
    ] = ()
    configs: Annotated[Mapping[_Name, _Path], about("configs of the swarm, and the file of each in the container")] = (
        field(default_factory=dict)
    )
    health_command: Annotated[
        tuple[Text, ...], about("the health check's command; default: the image's own, which [NONE] turns off")
    ] = ()
    health_interval: Annotated[Seconds | None, about("seconds between two health checks; default: as in the image")] = (
        None
    )
    health_retries: Annotated[
        _Count | None, about("how many failures make a container unhealthy; default: as in the image")
    ] = None
    health_timeout: Annotated[
        Seconds | None, about("seconds until a health check has failed; default: as in the image")
    ] = None
    health_start_period: Annotated[
        _Pause | None, about("seconds in which failures do not count, at the start; default: as in the image")
    ] = None
    labels: Annotated[_Labels, about("labels of the service")] = field(default_factory=dict)
    container_labels: Annotated[_Labels, about("labels of its containers")] = field(default_factory=dict)
    log_driver: Annotated[Text | None, about("where its containers' logs go; default: as the engine is set up")] = None
    log_options: Annotated[Mapping[Text, str], about("options of the log driver, such as max-size: 10m")] = field(
        default_factory=dict
    )
    allow_in_service: Annotated[
        tuple[Text, ...], about("variables, labels and log options that docker service inspect may show")
    ] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for a label that only we set."""
        for name in ("labels", "container_labels"):
            if any(one.startswith(OWN_LABEL) for one in getattr(self, name)):
                raise ValueError(f"`{name}` must not begin with {OWN_LABEL}: Seatrial sets these itself")

    @property
    def secret_files(self) -> Mapping[str, str]:
        """The names of the files in /run/secrets, by the names of the secrets."""
        return self.secrets if isinstance(self.secrets, Mapping) else {name: name for name in self.secrets}

    @property
    def update_order(self) -> Order:
        """What an update does first: a port of a node can only be published by one container at a time."""
        return self.order or (
            "stop-first" if "host" in (self.mode, *(one.mode for one in self.ports)) else "start-first"
        )
