"""The engine's twin in memory: the same answers, no Docker; its containers really listen and speak HTTP."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seatrial.engine.inspection import ContainerInspection
from seatrial.engine.memory.container import MemoryContainer
from seatrial.engine.memory.registry import MemoryRegistry
from seatrial.engine.memory.server import Program, serve
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

__all__ = ["MemoryEngine", "Program"]


def _hello(path: str, labels: Mapping[str, str]) -> tuple[int, bytes]:  # noqa: ARG001  a program that answers all alike
    return 200, b"hello"


class MemoryEngine:
    """An engine in memory.

    `program` is what every container runs; None lets it end at once with `exit_code`. `registries` are the registries
    it pushes to, by host; another host is out of reach.
    """

    def __init__(self, program: Program | None = _hello, *, exit_code: int = 3) -> None:
        self.program = program
        self.exit_code = exit_code
        self.registries: dict[str, MemoryRegistry] = {}
        self._images: dict[str, Image] = {}
        self._containers: dict[str, MemoryContainer] = {}

    @property
    def endpoint(self) -> str:
        """Where it is: nowhere."""
        return "memory:"

    def info(self) -> EngineInfo:
        """Return which engine answers."""
        return EngineInfo(endpoint=self.endpoint, version="0", api="1.41")

    def details(self) -> EngineDetails:
        """Return what there is to tell."""
        return EngineDetails(store="memory", platform=self.platform())

    def platform(self) -> str:
        """Return the usual one."""
        return "linux/amd64"

    def close(self) -> None:
        """End everything that listens."""
        for container_id in list(self._containers):
            self.remove(container_id)

    def registry(self, host: str) -> MemoryRegistry:
        """Return the registry of a host; `RegistryUnavailable` when there is none."""
        if host not in self.registries:
            raise RegistryUnavailable(f"the registry {host} cannot be reached", reason="no such host", hint="invoke up")
        return self.registries[host]

    def image(self, what: str) -> Image | None:
        """Return the image of that name or id, or None."""
        name = what if ":" in what.rpartition("/")[2] or what in self._images else f"{what}:latest"
        return next((one for one in self._images.values() if name == one.id or name in (*one.tags, *one.digests)), None)

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:
        """Return the images that carry all these labels, the newest first."""
        found = [image for image in self._images.values() if _carries(image.labels, labels or {})]
        return sorted(found, key=lambda image: -image.created)

    def inspect_image(self, what: str) -> dict[str, Any]:
        """Return a description in Docker's words."""
        image = self._image(what)
        return {"Id": image.id, "RepoTags": list(image.tags), "Config": {"Labels": dict(image.labels)}}

    def history(self, what: str) -> list[HistoryEntry]:
        """Return the one layer there is."""
        image = self._image(what)
        entry = HistoryEntry(
            id=image.id,
            created=image.created,
            created_by="memory",
            size=image.size,
            comment="",
            tags=image.tags,
        )
        return [entry]

    def files(self, image_id: str, *, name: str, labels: Mapping[str, str]) -> Generator[ImageFile, None, None]:
        """Yield no file: what is in an image is only its content's digest here."""
        self._image(image_id)
        yield from ()

    def builder(self, options: BuildOptions) -> str:
        """Return who builds."""
        return "memory"

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Make an image whose id follows from the request alone."""
        emit(Info(text="builder: memory"))
        labels = {**request.labels, BUILDER_LABEL: self.builder(request.options)}
        words = json.dumps(
            [
                FileDigests({}).of(request.context),
                request.content.decode(),
                dict(request.options.arguments),
                labels,
                request.options.target,
            ],
            sort_keys=True,
        )
        return self.add(words, request.reference, labels)

    def add(self, content: str, reference: ImageReference, labels: Mapping[str, str] | None = None) -> str:
        """Put an image with this content here, as a build or `docker load` elsewhere would; give its id."""
        image_id = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
        known = self._images.get(image_id)
        self._images[image_id] = known or Image(
            id=image_id, labels=dict(labels or {}), created=time.time(), size=len(content)
        )
        self.tag(image_id, reference)
        return image_id

    def tag(self, image_id: str, reference: ImageReference) -> None:
        """Let a name point to an image."""
        self._image(image_id)
        self._drop(reference.familiar)
        image = self._images[image_id]
        self._images[image_id] = replace(image, tags=(*image.tags, reference.familiar))

    def untag(self, reference: ImageReference) -> None:
        """Take a name away; the image goes with its last name."""
        image = self.image(reference.familiar)
        self._drop(reference.familiar)
        if image and not self._images[image.id].tags:
            del self._images[image.id]

    def pull(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, platform: str | None = None
    ) -> None:
        """Fetch what a registry holds; all platforms are alike in memory."""
        registry = self.registry(reference.registry)
        registry.authenticate(credential)
        manifest = registry.manifest(reference)
        if manifest is None:
            raise StepFailed(f"{reference.familiar} cannot be pulled", reason="manifest unknown", hint="check the name")
        if sent := registry.images.get(manifest.digest):
            self._images.setdefault(sent.id, replace(sent, tags=(), digests=()))
            if reference.tag:
                self.tag(sent.id, reference)
        image_id = sent.id if sent else self.add(f"pulled {reference}", reference)
        self._record_digest(image_id, reference, manifest.digest)

    def push(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, stall: float = 120
    ) -> str | None:
        """Let a registry hold an image under a tag."""
        image = self._image(reference.familiar)
        registry = self.registry(reference.registry)
        registry.authenticate(credential)
        digest = f"sha256:{hashlib.sha256(f'manifest of {image.id}'.encode()).hexdigest()}"
        registry.manifests[str(reference)] = Manifest(digest=digest, config=image.id)
        registry.images[digest] = image
        self._record_digest(image.id, reference, digest)
        return digest

    def import_image(self, archive: Path, reference: ImageReference, changes: Sequence[str]) -> str:
        """Make an image of an archive."""
        return self.add(f"{archive.read_bytes()!r} {list(changes)}", reference)

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        found = self._find_container(name)
        return found.shown if found else None

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Return the containers in any state that carry all these labels."""
        return [one.shown for one in self._containers.values() if _carries(one.spec.labels, labels)]

    def create(self, spec: ContainerSpec, emit: Emit) -> str:
        """Create a container, not started; give its id."""
        if self._find_container(spec.name):
            raise ContainerFailed(
                f"the name {spec.name} is taken by another container",
                reason="conflict",
                hint=f"docker rm {spec.name}",
                cause="name-taken",
            )
        self._image(spec.image_id)
        container_id = hashlib.sha256(f"{spec.name}{time.monotonic_ns()}".encode()).hexdigest()
        self._containers[container_id] = MemoryContainer(spec=spec, id=container_id, name=spec.name)
        return container_id

    def start(self, container_id: str) -> None:
        """Start it: it listens on its port from now on; a running one is fine."""
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
        """Stop it; a stopped or absent one is fine."""
        running = self._find_container(container_id)
        if running and running.server:
            running.server.shutdown()
            running.server.server_close()
            running.server, running.state = None, "exited"

    def rename(self, container_id: str, name: str) -> None:
        """Return a container another name."""
        running, other = self._container(container_id), self._find_container(name)
        if other:
            raise StepFailed(f"the container cannot be renamed to {name}", reason="conflict", hint=f"docker rm {name}")
        running.name = name

    def remove(self, container_id: str) -> None:
        """Remove it, running or not; an absent one is fine."""
        running = self._find_container(container_id)
        if running:
            self.stop(running.id, grace=0)
            del self._containers[running.id]

    def remove_volume(self, name: str) -> None:
        """There are no volumes."""

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Yield what a container wrote."""
        self._container(container_id)
        yield "started in memory"

    def inspect_container(self, container_id: str) -> ContainerInspection | None:
        """Return its state, and that it listens as it should."""
        found = self._find_container(container_id)
        return found.inspection if found else None

    def _image(self, what: str) -> Image:
        image = self.image(what)
        if image is None:
            raise StepFailed(f"there is no image {what}", reason="No such image", hint="invoke build")
        return image

    def _record_digest(self, image_id: str, reference: ImageReference, digest: str) -> None:
        """Remember under which digest a registry holds an image."""
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


def _carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
