"""The images of the engine in memory."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from seatrial.engine.failures import AbsentError
from seatrial.engine.model import BuildRequest, HistoryEntry, Image
from seatrial.engine.protocol import Emit
from seatrial.errors import RegistryUnavailable, StepFailed
from seatrial.events import Info
from seatrial.model.app import BUILDER_LABEL, BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential
from seatrial.registry.model import Manifest
from seatrial.sources.inputs import FileDigests
from tests.engine.memory.registry import MemoryRegistry

__all__ = ["MemoryImages", "has_labels"]


class MemoryImages:
    """Images in memory, each of one layer; `registries` are the registries that can be reached, by host."""

    def __init__(self) -> None:
        self.registries: dict[str, MemoryRegistry] = {}
        self._images: dict[str, Image] = {}

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
        found = [image for image in self._images.values() if has_labels(image.labels, labels or {})]
        return sorted(found, key=lambda image: -image.created)

    def inspect_image(self, name_or_id: str) -> dict[str, Any]:
        """Return a minimal description in Docker's format."""
        image = self._image(name_or_id)
        return {"Id": image.id, "RepoTags": list(image.tags), "Config": {"Labels": dict(image.labels)}}

    def history(self, name_or_id: str) -> list[HistoryEntry]:
        """Return a history of one layer."""
        one = self._image(name_or_id)
        return [HistoryEntry(id=one.id, created=one.created, created_by="", size=one.size, comment="", tags=one.tags)]

    def builder(self, options: BuildOptions) -> str:
        """Return the name of the builder."""
        return "memory"

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Create an image whose id depends on the request alone."""
        emit(Info(text="builder: memory"))
        labels = {**request.labels, BUILDER_LABEL: self.builder(request.options)}
        content = json.dumps(
            [
                FileDigests().of(request.context),
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
            id=image_id, labels=dict(labels or {}), created=time.time(), size=len(content), layers=(image_id,)
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

    def remove_image(self, image_id: str) -> None:
        """Remove an image that has at most one name; do nothing if it is absent."""
        if (image := self.image(image_id)) and len(image.tags) > 1:
            raise StepFailed(f"the image {image_id} cannot be removed", reason="it has names", hint="docker image ls")
        self._images.pop(image_id, None)

    def disk_use(self) -> int | None:
        """Return the bytes of all images; nothing is cached."""
        return sum(image.size for image in self._images.values())

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

    def _image(self, name_or_id: str) -> Image:
        image = self.image(name_or_id)
        if image is None:
            raise AbsentError(f"there is no image {name_or_id}", reason="No such image", hint="invoke build")
        return image

    def _record_digest(self, image_id: str, reference: ImageReference, digest: str) -> None:
        """Record the digest under which a registry holds an image."""
        image = self._images[image_id]
        digests = {*image.digests, f"{reference.name}@{digest}"}
        self._images[image_id] = replace(image, digests=tuple(sorted(digests)))

    def _drop(self, tag: str) -> None:
        for image in list(self._images.values()):
            if tag in image.tags:
                left = tuple(one for one in image.tags if one != tag)
                self._images[image.id] = replace(image, tags=left)


def has_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether there are all these labels."""
    return all(labels.get(key) == value for key, value in wanted.items())
