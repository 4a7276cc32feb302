"""The typed interface to a Docker Engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seatrial.engine.inspection import ContainerInspection, Health, HealthTest
from seatrial.engine.model import (
    BuildRequest,
    Container,
    ContainerSpec,
    EngineDetails,
    EngineInfo,
    HistoryEntry,
    Image,
    ImageFile,
)
from seatrial.engine.program import Program
from seatrial.events import Event
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential

if TYPE_CHECKING:  # most commands have nothing to do with a swarm
    from seatrial.engine.swarm import Swarm

__all__ = ["Emit", "Engine"]

Emit = Callable[[Event], None]
"""A function that receives progress events as they happen."""


class Engine(Protocol):
    """What Seatrial needs from an engine.

    Every method may raise `EngineUnavailable`. `name_or_id` is an image's familiar name or its full id.
    """

    @property
    def endpoint(self) -> str:
        """The engine's address as in DOCKER_HOST; known even if no engine answers."""
        ...

    @property
    def published_host(self) -> str:
        """The host at which published ports answer: 127.0.0.1, or that of an engine on another machine."""
        ...

    @property
    def swarm(self) -> Swarm:
        """The swarm that the engine manages, or could."""
        ...

    def report_waiting(self, tell: Callable[[str], object]) -> None:
        """Call `tell` with a sentence when an answer is being waited for."""
        ...

    def info(self) -> EngineInfo:
        """Return the engine's version and API."""
        ...

    def details(self) -> EngineDetails:
        """Return what the engine reports about itself; slower than `info`."""
        ...

    def platform(self) -> str:
        """Return the platform that the engine builds for, as in `linux/amd64`."""
        ...

    def image(self, name_or_id: str) -> Image | None:
        """Return the image of that name or id, or None."""
        ...

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:
        """Return the images with all these labels, newest first."""
        ...

    def inspect_image(self, name_or_id: str) -> dict[str, Any]:
        """Return Docker's own description of an image; raise `StepFailed` if there is no such image."""
        ...

    def history(self, name_or_id: str) -> list[HistoryEntry]:
        """Return an image's history, newest layer first; raise `StepFailed` if there is no such image."""
        ...

    def files(self, container_id: str, folder: str = "") -> Generator[ImageFile, None, None]:
        """Yield a container's files without their content, and without what is mounted over them while it runs.

        With a `folder` such as `/app`, only that and what is in it, with its volumes, and as the engine's machine sees
        their owners. Raise `StepFailed` if there is no such container or folder.
        """
        ...

    def builder(self, options: BuildOptions) -> str:
        """Return the name of the builder for these options; raise `Unavailable` if no builder here supports them."""
        ...

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Build an image and return its id; raise `BuildFailed` if the build fails."""
        ...

    def tag(self, image_id: str, reference: ImageReference) -> None:
        """Point a name to an image."""
        ...

    def untag(self, reference: ImageReference) -> None:
        """Remove a name; the image itself is removed if this was its last name."""
        ...

    def remove_image(self, image_id: str) -> None:
        """Remove an image that has at most one name; do nothing if it is absent. Raise `StepFailed` if it is in use."""
        ...

    def disk_use(self) -> int | None:
        """Return the bytes of all image layers and of the build cache, each counted once; None if the engine fails."""
        ...

    def pull(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, platform: str | None = None
    ) -> None:
        """Pull an image, for a platform such as `linux/arm64`; raise `RegistryUnavailable` or `StepFailed`."""
        ...

    def push(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, stall: float = 120
    ) -> str | None:
        """Push one tag and return the digest that the engine reports, or None.

        Raise an error from the stream, or `RegistryUnavailable` after `stall` seconds without a message. Only the
        registry knows whether it holds the image now.
        """
        ...

    def import_image(self, archive: Path, reference: ImageReference, changes: Sequence[str]) -> str:
        """Import the tar of a root file system, apply Dockerfile instructions, and return the image's id."""
        ...

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        ...

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Return the containers with all these labels, in any state."""
        ...

    def create(self, spec: ContainerSpec, emit: Emit) -> str:
        """Create a container without starting it and return its id; raise `ContainerFailed` if its name is taken."""
        ...

    def start(self, container_id: str) -> None:
        """Start a container; raise `ContainerFailed` if its port is taken or its command does not exist."""
        ...

    def stop(self, container_id: str, *, grace: float) -> None:
        """Stop a container, and kill it after `grace` seconds; do nothing if it is stopped or absent."""
        ...

    def rename(self, container_id: str, name: str) -> None:
        """Rename a container."""
        ...

    def remove(self, container_id: str) -> None:
        """Remove a container, running or not, and its anonymous volumes; do nothing if it is absent."""
        ...

    def volume(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of a named volume, or None if there is no such volume."""
        ...

    def remove_volume(self, name: str) -> None:
        """Remove a named volume; do nothing if it is absent."""
        ...

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Yield what a container wrote, line by line, without line ends."""
        ...

    def inspect_container(self, container_id: str) -> ContainerInspection | None:
        """Return what can be seen of a container from outside, with its sockets; None if it is gone."""
        ...

    def program_file(self, container_id: str) -> Program | None:
        """Return the file that a container's command names, whether it runs or not; None if there is none."""
        ...

    def run_health_test(self, container_id: str, test: HealthTest) -> Health:
        """Run a container's health test in it once, as the engine does, and return its result."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
