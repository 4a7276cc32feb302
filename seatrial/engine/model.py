"""The data types of an engine: images, containers and requests, all frozen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

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
    "ImageHistory",
    "State",
]

# Without a mode, a tmpfs has that of the image's folder, which the app's user may not be allowed to write to; old
# versions of runc give it that mode in any case, so that the user must own it.
_TMPFS = "rw,noexec,nosuid,size=64m,mode=1777"
State = Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]


class EngineInfo(Struct, frozen=True, kw_only=True):
    """The engine that answers: `endpoint` as in DOCKER_HOST, its `version`, and the `api` version in use."""

    endpoint: str
    version: str
    api: str


class EngineDetails(Struct, frozen=True, kw_only=True):
    """What an engine reports about itself, as in `docker info`.

    `root` is its data folder, on its own machine. `store` is its image store: `overlay2`, or `containerd`. `warnings`
    are its own messages about what it cannot do.
    """

    root: str = ""
    store: str = ""
    platform: str = ""
    warnings: tuple[str, ...] = ()


class ImageConfig(Struct, frozen=True, kw_only=True):
    """The configuration that an image gives its containers.

    `user` is as in USER (empty without USER), `exposed` as in `5000/tcp`, `environment` by name, `volumes` by path.
    """

    user: str = ""
    exposed: tuple[str, ...] = ()
    healthcheck: bool = False
    environment: Mapping[str, str] = {}
    volumes: tuple[str, ...] = ()


class Image(Struct, frozen=True, kw_only=True):
    """An image in the engine.

    `tags` are familiar names with a tag, `digests` familiar names with a registry's digest. `created` is in seconds
    since the epoch, `size` in bytes. `platform` is as in `linux/arm64/v8`, empty if unknown; `config` is None if
    unknown. `layers` are the digests of the uncompressed layers, the lowest first; empty in a list of images.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    created: float = 0.0
    size: int = 0
    platform: str = ""
    config: ImageConfig | None = None
    layers: tuple[str, ...] = ()

    @property
    def exposed(self) -> tuple[str, ...]:
        """The ports that it exposes, as in `5000/tcp`."""
        return self.config.exposed if self.config else ()

    @property
    def name(self) -> str:
        """The image's name for messages: its first tag, else its short id."""
        return self.tags[0] if self.tags else short_digest(self.id)


FileKind = Literal["file", "folder", "link", "other"]


class ImageFile(Struct, frozen=True, kw_only=True):
    """One file of an image: absolute path, permission bits (with setuid, setgid, sticky), numeric owner and group.

    `target` is where a link leads, as it stands there.
    """

    path: str
    mode: int
    uid: int
    gid: int
    kind: FileKind
    target: str = ""


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One layer in an image's history; `created` in seconds since the epoch, `size` in bytes."""

    id: str
    created: float
    created_by: str
    size: int
    comment: str
    tags: tuple[str, ...]


class ImageHistory(Struct, frozen=True, kw_only=True):
    """An image's history, the newest entry first, and the digests of its layers, the lowest first."""

    entries: tuple[HistoryEntry, ...]
    layers: tuple[str, ...] = ()


class ContainerSpec(Struct, frozen=True, kw_only=True):
    """A container to create: from an image id, hardened, published on 127.0.0.1 only (or at another engine's address).

    With `host_port` 0 the engine chooses a free port. `memory` is in bytes; `cpus` None means no limit; `stop_grace` is
    in seconds. `volumes` maps mount paths to named volumes, or to empty names for volumes that go with the container.
    `tmpfs` are writable paths besides /tmp, kept in memory. With `hardened` False the root file system is writable and
    the capabilities are the engine's defaults. With `restart` the engine starts it again after a crash or a reboot.
    With `command` it runs that instead of the image's CMD, and publishes no port.
    """

    name: str
    image_id: str
    labels: Mapping[str, str] = {}
    environment: Mapping[str, str] = {}
    port: int
    host_port: int = 0
    memory: int = 512 * 1024 * 1024
    pids: int = 256
    cpus: float | None = None
    stop_grace: float = 10.0
    volumes: Mapping[str, str] = {}
    tmpfs: tuple[str, ...] = ()
    hardened: bool = True
    restart: bool = False
    command: tuple[str, ...] = ()

    def tmpfs_mounts(self, user: str) -> dict[str, str]:
        """Return the options of each tmpfs by its path; `user` is as in USER, and counts if it is a number."""
        uid, _, gid = user.partition(":")
        owner = (f",uid={uid}" if uid.isdigit() else "") + (f",gid={gid}" if gid.isdigit() else "")
        return {"/tmp": _TMPFS, **dict.fromkeys(self.tmpfs, _TMPFS + owner)}  # noqa: S108  inside the container


class Container(Struct, frozen=True, kw_only=True):
    """A container in the engine; `ports` maps container ports to published ports of the host.

    `started` is the engine's time of its last start.
    """

    id: str
    name: str
    image_id: str
    labels: Mapping[str, str]
    state: State
    exit_code: int
    oom_killed: bool
    started: str = ""
    ports: Mapping[int, int]

    @property
    def running(self) -> bool:
        """Whether the container's process is alive."""
        return self.state == "running"

    def publishes(self, host_port: int) -> bool:
        """Return whether the container publishes that port of the host."""
        return host_port in self.ports.values()


class BuildRequest(Struct, frozen=True, kw_only=True):
    """Everything that determines the result of a build.

    `dockerfile` is an absolute path, `content` its bytes. `digests` are those of the build context's entries; each
    entry must still have its digest when it is sent. `epoch`, in seconds, is the time given to the image's files; None
    leaves them their own.
    """

    reference: ImageReference
    context: Context
    dockerfile: Path
    content: bytes
    options: BuildOptions
    labels: Mapping[str, str]
    digests: Mapping[str, str] = {}
    epoch: int | None = None
