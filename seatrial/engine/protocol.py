"""The one typed seam to the Docker Engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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
from seatrial.events import Event
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential

if TYPE_CHECKING:  # only who has a failure to explain loads what looks into containers
    from seatrial.engine.inspection import ContainerInspection

__all__ = ["Emit", "Engine"]

Emit = Callable[[Event], None]
"""Somebody who is told of progress while it happens."""


class Engine(Protocol):
    """What Seatrial asks of an engine.

    Every method may raise `EngineUnavailable`. A `what` is an image's familiar name or its id; ids are whole.
    """

    @property
    def endpoint(self) -> str:
        """Where it is, as in DOCKER_HOST; known whether it answers or not."""
        ...

    def info(self) -> EngineInfo:
        """Return which engine answers."""
        ...

    def details(self) -> EngineDetails:
        """Return what it tells of itself when asked outright: slower than `info`."""
        ...

    def platform(self) -> str:
        """Return the platform it builds for, as in `linux/amd64`."""
        ...

    def image(self, what: str) -> Image | None:
        """Return the image of that name or id, or None."""
        ...

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:
        """Return the images that carry all these labels, the newest first."""
        ...

    def inspect_image(self, what: str) -> dict[str, Any]:
        """Return Docker's own description of an image; `StepFailed` when there is none."""
        ...

    def history(self, what: str) -> list[HistoryEntry]:
        """Return an image's history, the newest layer first; `StepFailed` when there is no such image."""
        ...

    def files(self, image_id: str, *, name: str, labels: Mapping[str, str]) -> Generator[ImageFile, None, None]:
        """Return an image's files one after the other, without their content; `StepFailed` when there is no such image.

        A container of that name, with these labels, may be there meanwhile; it is removed in the end, also when the
        iterator is closed early.
        """
        ...

    def builder(self, options: BuildOptions) -> str:
        """Return who would build with these options, for people; `Unavailable` when nobody here can."""
        ...

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Build, and give the image's id; `BuildFailed` otherwise."""
        ...

    def tag(self, image_id: str, reference: ImageReference) -> None:
        """Let a name point to an image."""
        ...

    def untag(self, reference: ImageReference) -> None:
        """Take a name away; the image goes with its last name."""
        ...

    def pull(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, platform: str | None = None
    ) -> None:
        """Fetch an image, for a platform like `linux/arm64`; `RegistryUnavailable` or `StepFailed` otherwise."""
        ...

    def push(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, stall: float = 120
    ) -> str | None:
        """Send one tag and give the digest the engine says was pushed, where it says one.

        An error in the stream is raised, `stall` seconds without a word are one, too. Only the registry can tell
        whether it holds it now.
        """
        ...

    def import_image(self, archive: Path, reference: ImageReference, changes: Sequence[str]) -> str:
        """Make an image of a root file system's tar with Dockerfile instructions on top; give its id."""
        ...

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        ...

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Return the containers in any state that carry all these labels."""
        ...

    def create(self, spec: ContainerSpec, emit: Emit) -> str:
        """Create a container, not started; give its id. `ContainerFailed` when its name is taken."""
        ...

    def start(self, container_id: str) -> None:
        """Start it; `ContainerFailed` when its port is taken or its command is not there."""
        ...

    def stop(self, container_id: str, *, grace: float) -> None:
        """Stop it, and kill it after `grace` seconds; a stopped or absent one is fine."""
        ...

    def rename(self, container_id: str, name: str) -> None:
        """Return a container another name."""
        ...

    def remove(self, container_id: str) -> None:
        """Remove it with its anonymous volumes, running or not; an absent one is fine."""
        ...

    def remove_volume(self, name: str) -> None:
        """Remove a named volume; an absent one is fine."""
        ...

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Return what a container wrote, line by line, without line ends."""
        ...

    def inspect_container(self, container_id: str) -> ContainerInspection | None:
        """Return all that can be seen of a container from outside, and what listens in it; nothing when it is gone."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
