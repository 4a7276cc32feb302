"""What an engine holds and what can be asked of it, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.sources.context import Context
from seatrial.wording import short_digest

__all__ = [
    "BuildRequest",
    "Container",
    "ContainerSpec",
    "EngineDetails",
    "EngineInfo",
    "FileKind",
    "HistoryEntry",
    "Image",
    "ImageConfig",
    "ImageFile",
    "State",
]

State = Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]


@dataclass(frozen=True, kw_only=True)
class EngineInfo:
    """Which engine answers: `endpoint` as in DOCKER_HOST, `version` of the engine, `api` spoken with it."""

    endpoint: str
    version: str
    api: str


@dataclass(frozen=True, kw_only=True)
class EngineDetails:
    """What an engine tells of itself when asked outright.

    `root` is the folder of its data, on its own machine; `store` who keeps its images (`overlay2`, or `containerd` with
    that store), `warnings` its own words on what it cannot do.
    """

    root: str = ""
    store: str = ""
    platform: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """What an image says about the containers made of it.

    `user` as USER wrote it (empty when it did not), `exposed` as in `5000/tcp`, `environment` by name.
    """

    user: str = ""
    exposed: tuple[str, ...] = ()
    healthcheck: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image in the engine.

    `tags` are familiar names with their tag, `digests` familiar names with the digest a registry knows them by,
    `created` seconds since the epoch, `size` bytes, `platform` as in `linux/arm64/v8` (empty when not told),
    `config` what its containers get (None when not told).
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0
    size: int = 0
    platform: str = ""
    config: ImageConfig | None = None

    @property
    def name(self) -> str:
        """Its name in a sentence: its first tag, else its short id."""
        return self.tags[0] if self.tags else short_digest(self.id)


FileKind = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFile:
    """One file of an image: absolute path, permission bits with setuid, setgid and sticky, numeric owner and group."""

    path: str
    mode: int
    uid: int
    gid: int
    kind: FileKind


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One layer's line in an image's history; `created` in seconds since the epoch, `size` in bytes."""

    id: str
    created: float
    created_by: str
    size: int
    comment: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """A container to create: from an image id, hardened, published on 127.0.0.1 only.

    `host_port` 0 lets the engine take a free one, `memory` is bytes, `cpus` None leaves all of them to it, `stop_grace`
    is how many seconds the engine lets it finish. `volumes` are named volumes by the path they are mounted at, `tmpfs`
    paths it may write to besides /tmp, kept in memory. With `hardened` False the root is writable and the capabilities
    are the engine's usual ones.
    """

    name: str
    image_id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int
    host_port: int = 0
    memory: int = 512 * 1024 * 1024
    pids: int = 256
    cpus: float | None = None
    stop_grace: float = 10.0
    volumes: Mapping[str, str] = field(default_factory=dict)
    tmpfs: tuple[str, ...] = ()
    hardened: bool = True
    restart: bool = False


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container in the engine; `ports` maps the app's port to the published one on the host.

    `direct` maps the app's port to the address and port it listens on itself, past what is published; empty where it
    does not run.
    """

    id: str
    name: str
    image_id: str
    labels: Mapping[str, str]
    state: State
    exit_code: int
    oom_killed: bool
    ports: Mapping[int, int]
    direct: Mapping[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether its process is alive."""
        return self.state == "running"

    def publishes(self, host_port: int) -> bool:
        """Return whether that port of the host is one of its own."""
        return host_port in self.ports.values()


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """All that decides what a build gives.

    `dockerfile` is an absolute path, `content` what stands in it; `digests` are those of the context's entries, held
    while they are sent. `epoch`, in seconds, is the time that the image's files and its configuration
    are to bear, where that is known.
    """

    reference: ImageReference
    context: Context
    dockerfile: Path
    content: bytes
    options: BuildOptions
    labels: Mapping[str, str]
    digests: Mapping[str, str] = field(default_factory=dict)
    epoch: int | None = None
