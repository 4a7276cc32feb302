"""The two grounds the step tests stand on, each looked at and disturbed by another path than Lading's own."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import docker
import requests
from docker.errors import ImageNotFound

from lading.app import VERSION_LABEL
from lading.credentials import Credential, CredentialStore, Secret
from lading.engine import BuildRequest, ContainerSpec, Engine, Tell
from lading.engine.docker import DockerEngine
from lading.engine.memory import MemoryEngine, MemoryRegistry
from lading.reference import ImageReference
from lading.registry import HttpRegistry, Registry
from tests.conftest import TestRegistry

__all__ = ["PORT", "DockerGround", "Ground", "MemoryGround", "Twin"]

PORT = 8080
_MOOD = re.compile(r"^MOOD = '(.*)'$", re.MULTILINE)
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"

Images = frozenset[tuple[str, tuple[str, ...]]]
Containers = frozenset[tuple[str, str, str, str]]


class Ground(Protocol):
    """An engine and a registry, and what is there for everybody to see: only what bears the project's name."""

    @property
    def engine(self) -> Engine:
        """The engine as Lading speaks to it."""
        ...

    @property
    def host(self) -> str:
        """The registry's host."""
        ...

    @property
    def login(self) -> tuple[str, str] | None:
        """The user and password the registry knows; None when it lets everybody in."""
        ...

    @property
    def base(self) -> str:
        """The image the app starts from."""
        ...

    def registry(self, host: str) -> Registry:
        """Give a registry as Lading speaks to it."""
        ...

    def images(self) -> Images:
        """Give the images: ids with their names."""
        ...

    def labels(self, name: str) -> Mapping[str, str]:
        """Give the labels of an image."""
        ...

    def containers(self) -> Containers:
        """Give the containers: names, ids, image ids and states."""
        ...

    def published(self, repository: str) -> Mapping[str, str]:
        """Give the tags the registry holds, with their digests."""
        ...

    def held(self, repository: str, tag: str) -> frozenset[str]:
        """Give the ids an image may have that the registry holds under a tag."""
        ...

    def kept(self) -> str | None:
        """Give `user:password` as it is kept for the registry."""
        ...

    def keep(self, user: str, password: str) -> None:
        """Keep a login for the registry, as `docker login` would."""
        ...

    def put_image(self, name: str) -> None:
        """Let a name point to an image that Lading did not build."""
        ...

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        """Start a container that Lading did not make; give its id."""
        ...

    def clean(self) -> None:
        """Take away what bears the project's name and not its label."""
        ...


class DockerGround:
    """The real engine and a real registry."""

    def __init__(
        self, client: docker.DockerClient, registry: TestRegistry, base: str, project: str, folder: Path
    ) -> None:
        self.engine: Engine = DockerEngine()
        self.host = registry.host
        self.login = (registry.user, registry.password) if registry.user and registry.password else None
        self.base = base
        self._client, self._registry, self._project, self._config = client, registry, project, folder / "config.json"

    def registry(self, host: str) -> Registry:
        return HttpRegistry(host, CredentialStore(self._config.parent))

    def images(self) -> Images:
        found = set()
        for one in self._client.api.images():
            names = tuple(sorted(name for name in one["RepoTags"] or () if self._project in name))
            if names or (one["Labels"] or {}).get("lading.project") == self._project:
                found.add((one["Id"], names))
        return frozenset(found)

    def labels(self, name: str) -> Mapping[str, str]:
        return dict(self._client.images.get(name).labels)

    def containers(self) -> Containers:
        every = self._client.api.containers(all=True, filters={"name": self._project})
        return frozenset((one["Names"][0].lstrip("/"), one["Id"], one["ImageID"], one["State"]) for one in every)

    def published(self, repository: str) -> Mapping[str, str]:
        digests = {tag: self._registry.digest(repository, tag) for tag in self._registry.tags(repository)}
        return {tag: digest for tag, digest in digests.items() if digest}

    def held(self, repository: str, tag: str) -> frozenset[str]:
        answer = requests.get(
            f"http://{self.host}/v2/{repository}/manifests/{tag}",
            headers={"Accept": _MANIFEST},
            auth=self.login,
            timeout=10,
        )
        return frozenset({answer.headers["Docker-Content-Digest"], answer.json()["config"]["digest"]})

    def kept(self) -> str | None:
        if not self._config.exists():
            return None
        return base64.b64decode(json.loads(self._config.read_text())["auths"][self.host]["auth"]).decode()

    def keep(self, user: str, password: str) -> None:
        entry = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
        self._config.parent.mkdir(exist_ok=True)
        self._config.write_text(json.dumps({"auths": {self.host: entry}}))

    def put_image(self, name: str) -> None:
        repository, _, tag = name.rpartition(":")
        self._client.images.get(self.base).tag(repository, tag)

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        made = self._client.containers.run(
            self.base,
            ["python3", "-m", "http.server", str(PORT)],
            name=name,
            labels=dict(labels),
            ports={f"{PORT}/tcp": ("127.0.0.1", host_port or None)},
            detach=True,
            init=True,
        )
        return str(made.id)

    def clean(self) -> None:
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


class Twin(MemoryEngine):
    """A memory engine whose containers run what the app's file said when their image was built."""

    def __init__(self) -> None:
        super().__init__()
        self._moods: dict[str, str] = {}

    def build(self, request: BuildRequest, tell: Tell) -> str:
        """Make the image, and remember what its app does."""
        image_id = super().build(request, tell)
        found = _MOOD.search((request.context / "app.py").read_text())
        self._moods[image_id] = found[1] if found else ""
        return image_id

    def start(self, container_id: str) -> None:
        """Start what the image holds."""
        container = self.container(container_id)
        mood = self._moods.get(container.image_id, "") if container else ""

        def program(path: str, labels: Mapping[str, str]) -> tuple[int, bytes]:
            if mood == "asleep":
                return 503, b""
            return 200, (labels.get(VERSION_LABEL, "") if path == "/version" else mood).encode()

        self.program = None if mood == "crash" else program
        super().start(container_id)


class MemoryGround:
    """The engine's and the registry's twins in memory."""

    host = "registry.test:5000"
    base = "localhost/lading/python:3.13"

    def __init__(self, users: Mapping[str, str], project: str) -> None:
        self._twin = Twin()
        self._twin.add("python", ImageReference.parse(self.base))
        self._registry = MemoryRegistry(self.host, users=dict(users))
        self._twin.registries[self.host] = self._registry
        self._project = project

    @property
    def engine(self) -> Engine:
        return self._twin

    @property
    def login(self) -> tuple[str, str] | None:
        return next(iter(self._registry.users.items()), None)

    def registry(self, host: str) -> Registry:
        return self._twin.registry(host)

    def images(self) -> Images:
        found = set()
        for one in self._twin.images():
            names = tuple(sorted(name for name in one.tags if self._project in name))
            if names or one.labels.get("lading.project") == self._project:
                found.add((one.id, names))
        return frozenset(found)

    def labels(self, name: str) -> Mapping[str, str]:
        return next(one.labels for one in self._twin.images() if name in one.tags)

    def containers(self) -> Containers:
        return frozenset((one.name, one.id, one.image_id, one.state) for one in self._twin.containers({}))

    def published(self, repository: str) -> Mapping[str, str]:
        home = f"{self.host}/{repository}:"
        return {name.removeprefix(home): one.digest for name, one in self._registry.held.items() if home in name}

    def held(self, repository: str, tag: str) -> frozenset[str]:
        return frozenset({self._registry.held[f"{self.host}/{repository}:{tag}"].config or ""})

    def kept(self) -> str | None:
        kept = self._registry.kept
        return f"{kept.user}:{kept.secret.reveal()}" if kept else None

    def keep(self, user: str, password: str) -> None:
        self._registry.kept = Credential(user=user, secret=Secret(password))

    def put_image(self, name: str) -> None:
        self._twin.add("somebody else's", ImageReference.parse(name))

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        image = next(one for one in self._twin.images() if self.base in one.tags)
        spec = ContainerSpec(name=name, image_id=image.id, labels=dict(labels), port=PORT, host_port=host_port)
        made = self._twin.create(spec, lambda _: None)
        self._twin.start(made)
        return made

    def clean(self) -> None:
        self._twin.close()
