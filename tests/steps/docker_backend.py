"""The real engine and a real registry, read and changed with docker-py and plain HTTP."""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.protocol import Engine
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import CredentialStore
from seatrial.registry.model import Registry
from tests.servers.registries import TestRegistry
from tests.steps.memory_backend import PORT, Containers, Images
from tests.waiting import list_images

__all__ = ["DockerBackend"]


class DockerBackend:
    """The real engine and a real registry."""

    def __init__(self, client: docker.DockerClient, registry: TestRegistry, base: str, project: str) -> None:
        self.engine: Engine = DockerEngine()
        self.host = registry.host
        self.base = base
        self._client, self._registry, self._project = client, registry, project

    def registry(self, host: str) -> Registry:
        """Return a registry as Seatrial uses it."""
        return HttpRegistry(host, CredentialStore(Path("/nonexistent")))

    def images(self) -> Images:
        """Return the images: ids with their tags."""
        found = set()
        for one in list_images(self._client.api):
            names = tuple(sorted(name for name in one["RepoTags"] or () if self._project in name))
            if names or (one["Labels"] or {}).get("seatrial.project") == self._project:
                found.add((one["Id"], names))
        return frozenset(found)

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of an image."""
        return dict(self._client.images.get(name).labels)

    def containers(self) -> Containers:
        """Return the containers: names, ids, image ids and states."""
        every = self._client.api.containers(all=True, filters={"name": self._project})
        return frozenset((one["Names"][0].lstrip("/"), one["Id"], one["ImageID"], one["State"]) for one in every)

    def published(self, repository: str) -> Mapping[str, str]:
        """Return a repository's tags in the registry, with their digests."""
        digests = {tag: self._registry.digest(repository, tag) for tag in self._registry.tags(repository)}
        return {tag: digest for tag, digest in digests.items() if digest}

    def image_ids(self, repository: str, tag: str) -> frozenset[str]:
        """Return the ids that a published image may have in an engine."""
        response = self._registry.ask(f"{repository}/manifests/{tag}")
        return frozenset({response.headers["Docker-Content-Digest"], response.json()["config"]["digest"]})

    def put_image(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Tag an image that Seatrial did not build; if there are labels, the image has them."""
        if labels is not None:
            dockerfile = io.BytesIO(f"FROM {self.base}\n".encode())
            self._client.images.build(fileobj=dockerfile, tag=name, labels=dict(labels), rm=True)
            return
        repository, _, tag = name.rpartition(":")
        self._client.images.get(self.base).tag(repository, tag)

    def remove_image(self, image_id: str) -> None:
        """Remove an image with all its tags."""
        self._client.images.remove(image_id, force=True)

    def publish(self, repository: str, tag: str, labels: Mapping[str, str] | None = None) -> str:
        """Publish an image that Seatrial neither built nor pushed, and return its digest."""
        name = f"{self.host}/{repository}"
        own = {"seatrial.test": self._project, "random": secrets.token_hex(8)}
        self.put_image(f"{name}:{tag}", {**own, **(labels or {})})
        output = self._client.images.push(name, tag)
        digest = self._registry.digest(repository, tag)
        assert "error" not in output, output
        assert digest
        self.remove_image(f"{name}:{tag}")
        return digest

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        """Start a container that Seatrial did not create, and return its id."""
        container = self._client.containers.run(
            self.base,
            ["python3", "-m", "http.server", str(PORT)],
            name=name,
            labels={**labels, "seatrial.test": self._project},
            ports={f"{PORT}/tcp": ("127.0.0.1", host_port or None)},
            detach=True,
            init=True,
        )
        return str(container.id)

    def clean(self) -> None:
        """Remove what has the project's name but not its label."""
        for name, container_id, _, _ in self.containers():
            assert self._project in name
            self._client.containers.get(container_id).remove(force=True, v=True)
        for _, names in self.images():
            for name in names:
                try:
                    self._client.images.remove(name, force=True)
                except ImageNotFound:
                    continue
        self.engine.close()
