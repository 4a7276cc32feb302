"""An engine in memory: the answers of a real engine without Docker; its containers really listen and speak HTTP."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from seatrial.engine.protocol import Emit
from seatrial.errors import ContainerFailed, RegistryUnavailable, StepFailed
from seatrial.events import Info
from seatrial.model.app import BUILDER_LABEL, BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential
from seatrial.registry.model import Manifest
from seatrial.sources.inputs import FileDigests
from tests.engine.memory.container import MemoryContainer
from tests.engine.memory.registry import MemoryRegistry
from tests.engine.memory.server import Program, serve

__all__ = ["MemoryEngine", "Program"]


def _hello(path: str, labels: Mapping[str, str]) -> tuple[int, bytes]:  # noqa: ARG001  every request gets the same answer
    return 200, b"hello"


class MemoryEngine:
    """An engine in memory.

    `program` is what every container runs; with None containers end at once with `exit_code`. `registries` are the
    registries that can be reached, by host.
    """

    def __init__(self, program: Program | None = _hello, *, exit_code: int = 3) -> None:
        self.program = program
        self.exit_code = exit_code
        self.registries: dict[str, MemoryRegistry] = {}
        self._images: dict[str, Image] = {}
        self._volumes: dict[str, Mapping[str, str]] = {}
        self._containers: dict[str, MemoryContainer] = {}

    published_host = "127.0.0.1"

    @property
    def endpoint(self) -> str:
        """The engine's address; nothing listens there."""
        return "memory:"

    def report_waiting(self, tell: Callable[[str], object]) -> None:
        """Do nothing: this engine answers at once."""

    def info(self) -> EngineInfo:
        """Return the engine's version and API."""
        return EngineInfo(endpoint=self.endpoint, version="0", api="1.41")

    def details(self) -> EngineDetails:
        """Return what the engine reports about itself."""
        return EngineDetails(store="memory", platform=self.platform())

    def platform(self) -> str:
        """Return `linux/amd64`, whatever the machine."""
        return "linux/amd64"

    def close(self) -> None:
        """Stop every container that listens."""
        for container_id in list(self._containers):
            self.remove(container_id)

    def registry(self, host: str) -> MemoryRegistry:
        """Return the registry of a host; `RegistryUnavailable` when there is none."""
        if host not in self.registries:
            raise RegistryUnavailable(f"the registry {host} cannot be reached", reason="no such host", hint="invoke up")
        return self.registries[host]

    def image(self, name_or_id: str) -> Image | None:
        """Return the image of that name or id, or None."""
        complete = ":" in name_or_id.rpartition("/")[2] or name_or_id in self._images
        name = name_or_id if complete else f"{name_or_id}:latest"
        return next((one for one in self._images.values() if name == one.id or name in (*one.tags, *one.digests)), None)

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:
        """Return the images with all these labels, newest first."""
        found = [image for image in self._images.values() if _has_labels(image.labels, labels or {})]
        return sorted(found, key=lambda image: -image.created)

    def inspect_image(self, name_or_id: str) -> dict[str, Any]:
        """Return a minimal description in Docker's format."""
        image = self._image(name_or_id)
        return {"Id": image.id, "RepoTags": list(image.tags), "Config": {"Labels": dict(image.labels)}}

    def history(self, name_or_id: str) -> list[HistoryEntry]:
        """Return a history of one layer."""
        one = self._image(name_or_id)
        return [HistoryEntry(id=one.id, created=one.created, created_by="", size=one.size, comment="", tags=one.tags)]

    def files(self, image_id: str, *, name: str, labels: Mapping[str, str]) -> Generator[ImageFile, None, None]:
        """Yield nothing: images in memory have no files."""
        self._image(image_id)
        yield from ()

    def builder(self, options: BuildOptions) -> str:
        """Return the name of the builder."""
        return "memory"

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Create an image whose id depends on the request alone."""
        emit(Info(text="builder: memory"))
        labels = {**request.labels, BUILDER_LABEL: self.builder(request.options)}
        content = json.dumps(
            [
                FileDigests({}).of(request.context),
                request.content.decode(),
                dict(request.options.arguments),
                labels,
                request.options.target,
            ],
            sort_keys=True,
        )
        return self.add(content, request.reference, labels)

    def add(self, content: str, reference: ImageReference, labels: Mapping[str, str] | None = None) -> str:
        """Add an image with this content, as a build or `docker load` would, and return its id."""
        image_id = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
        known = self._images.get(image_id)
        self._images[image_id] = known or Image(
            id=image_id, labels=dict(labels or {}), created=time.time(), size=len(content)
        )
        self.tag(image_id, reference)
        return image_id

    def tag(self, image_id: str, reference: ImageReference) -> None:
        """Point a name to an image."""
        self._image(image_id)
        self._drop(reference.familiar)
        image = self._images[image_id]
        self._images[image_id] = replace(image, tags=(*image.tags, reference.familiar))

    def untag(self, reference: ImageReference) -> None:
        """Remove a name; an image without any name is removed."""
        image = self.image(reference.familiar)
        self._drop(reference.familiar)
        if image and not self._images[image.id].tags:
            del self._images[image.id]

    def pull(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, platform: str | None = None
    ) -> None:
        """Pull an image from a registry; the platform does not matter in memory."""
        registry = self.registry(reference.registry)
        registry.authenticate(credential)
        manifest = registry.manifest(reference)
        if manifest is None:
            raise StepFailed(f"{reference.familiar} cannot be pulled", reason="manifest unknown", hint="check the name")
        if pushed := registry.images.get(manifest.digest):
            self._images.setdefault(pushed.id, replace(pushed, tags=(), digests=()))
            if reference.tag:
                self.tag(pushed.id, reference)
        image_id = pushed.id if pushed else self.add(f"pulled {reference}", reference)
        self._record_digest(image_id, reference, manifest.digest)

    def push(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, stall: float = 120
    ) -> str | None:
        """Push an image to a registry under a tag, and return the manifest's digest."""
        image = self._image(reference.familiar)
        registry = self.registry(reference.registry)
        registry.authenticate(credential)
        digest = f"sha256:{hashlib.sha256(f'manifest of {image.id}'.encode()).hexdigest()}"
        registry.manifests[str(reference)] = Manifest(digest=digest, config=image.id)
        registry.images[digest] = image
        self._record_digest(image.id, reference, digest)
        return digest

    def import_image(self, archive: Path, reference: ImageReference, changes: Sequence[str]) -> str:
        """Create an image from an archive and return its id."""
        return self.add(f"{archive.read_bytes()!r} {list(changes)}", reference)

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        return found.shown if (found := self._find_container(name)) else None

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Return the containers with all these labels, in any state."""
        return [one.shown for one in self._containers.values() if _has_labels(one.spec.labels, labels)]

    def create(self, spec: ContainerSpec, emit: Emit) -> str:
        """Create a container without starting it and return its id."""
        if self._find_container(spec.name):
            raise ContainerFailed(
                f"the name {spec.name} is taken by another container",
                reason="conflict",
                hint=f"docker rm {spec.name}",
                cause="name-taken",
            )
        self._image(spec.image_id)
        self._volumes |= {name: spec.labels for name in spec.volumes.values() if name}
        container_id = hashlib.sha256(f"{spec.name}{time.monotonic_ns()}".encode()).hexdigest()
        self._containers[container_id] = MemoryContainer(spec=spec, id=container_id, name=spec.name)
        return container_id

    def start(self, container_id: str) -> None:
        """Start a container, so that it listens on its port; do nothing if it runs."""
        running = self._container(container_id)
        if running.server:
            return
        if self.program is None:
            running.state, running.exit_code = "exited", self.exit_code
            return
        try:
            running.server = serve(self.program, self._image(running.spec.image_id).labels, running.spec.host_port)
        except OSError as error:
            reason, hint = str(error.strerror), "--port PORT"
            raise ContainerFailed("the port is taken", reason=reason, hint=hint, cause="port-taken") from error
        running.state = "running"

    def stop(self, container_id: str, *, grace: float) -> None:
        """Stop a container; do nothing if it is stopped or absent."""
        if running := self._find_container(container_id):
            running.stop()

    def rename(self, container_id: str, name: str) -> None:
        """Rename a container."""
        running, other = self._container(container_id), self._find_container(name)
        if other:
            raise StepFailed(f"the container cannot be renamed to {name}", reason="conflict", hint=f"docker rm {name}")
        running.name = name

    def remove(self, container_id: str) -> None:
        """Remove a container, running or not; do nothing if it is absent."""
        if running := self._find_container(container_id):
            running.stop()
            del self._containers[running.id]

    def volume(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of the volume, or None."""
        return self._volumes.get(name)

    def remove_volume(self, name: str) -> None:
        """Forget the volume."""
        self._volumes.pop(name, None)

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Yield the container's log, which is always the same line."""
        self._container(container_id)
        yield "started in memory"

    def inspect_container(self, container_id: str) -> ContainerInspection | None:
        """Return a container's state and sockets; None if it is absent."""
        return found.inspection if (found := self._find_container(container_id)) else None

    def run_health_test(self, container_id: str, test: HealthTest) -> Health:
        """Return that the container is healthy."""
        return Health(exit_code=0, output="")

    def _image(self, name_or_id: str) -> Image:
        image = self.image(name_or_id)
        if image is None:
            raise StepFailed(f"there is no image {name_or_id}", reason="No such image", hint="invoke build")
        return image

    def _record_digest(self, image_id: str, reference: ImageReference, digest: str) -> None:
        """Record the digest under which a registry holds an image."""
        image = self._images[image_id]
        digests = {*image.digests, f"{reference.name}@{digest}"}
        self._images[image_id] = replace(image, digests=tuple(sorted(digests)))

    def _container(self, name: str) -> MemoryContainer:
        found = self._find_container(name)
        if found is None:
            raise StepFailed(f"there is no container {name}", reason="No such container", hint="docker ps -a")
        return found

    def _find_container(self, name: str) -> MemoryContainer | None:
        return next((one for one in self._containers.values() if name in (one.id, one.name)), None)

    def _drop(self, tag: str) -> None:
        for image in list(self._images.values()):
            if tag in image.tags:
                left = tuple(one for one in image.tags if one != tag)
                self._images[image.id] = replace(image, tags=left)


def _has_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
