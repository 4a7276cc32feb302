"""The engine's and the registry's twins in memory, seen through their public data."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from seatrial.engine.memory.engine import MemoryEngine
from seatrial.engine.memory.registry import MemoryRegistry
from seatrial.engine.model import BuildRequest, ContainerSpec, Image
from seatrial.engine.protocol import Emit, Engine
from seatrial.host.firewall import Redirects
from seatrial.model.app import VERSION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential, Secret
from seatrial.registry.model import Manifest, Registry
from tests.host.memory_redirects import MemoryRedirects
from tests.steps.backend import PORT, Containers, Images

__all__ = ["MemoryBackend"]

_REPLY = re.compile(r"^REPLY = '(.*)'$", re.MULTILINE)


class ScriptedEngine(MemoryEngine):
    """A memory engine whose containers run what the app's file said when their image was built."""

    def __init__(self) -> None:
        super().__init__()
        self._replies: dict[str, str] = {}

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Make the image, and remember what its app does."""
        image_id = super().build(request, emit)
        found = _REPLY.search((request.context.folder / "app.py").read_text())
        self._replies[image_id] = found[1] if found else ""
        return image_id

    def start(self, container_id: str) -> None:
        """Start what the image holds."""
        container = self.container(container_id)
        reply = self._replies.get(container.image_id, "") if container else ""

        def program(path: str, labels: Mapping[str, str]) -> tuple[int, bytes]:
            if reply == "asleep":
                return 503, b""
            return 200, (labels.get(VERSION_LABEL, "") if path == "/version" else reply).encode()

        self.program = None if reply == "crash" else program
        super().start(container_id)


class MemoryBackend:
    """The engine's and the registry's twins in memory."""

    host = "registry.test:5000"
    base = "localhost/seatrial/python:3.13"

    def __init__(self, users: Mapping[str, str], project: str) -> None:
        self._twin = ScriptedEngine()
        self.redirects: Redirects = MemoryRedirects()
        self._twin.add("python", ImageReference.parse(self.base))
        self._registry = MemoryRegistry(self.host, users=dict(users))
        self._twin.registries[self.host] = self._registry
        self._project = project

    @property
    def engine(self) -> Engine:
        """The engine as Seatrial speaks to it."""
        return self._twin

    @property
    def login(self) -> tuple[str, str] | None:
        """The user and password the registry knows; None when it lets everybody in."""
        return next(iter(self._registry.users.items()), None)

    def registry(self, host: str) -> Registry:
        """Return a registry as Seatrial speaks to it."""
        return self._twin.registry(host)

    def images(self) -> Images:
        """Return the images: ids with their names."""
        found = set()
        for one in self._twin.images():
            names = tuple(sorted(name for name in one.tags if self._project in name))
            if names or one.labels.get("seatrial.project") == self._project:
                found.add((one.id, names))
        return frozenset(found)

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of an image."""
        return next(one.labels for one in self._twin.images() if name in one.tags)

    def containers(self) -> Containers:
        """Return the containers: names, ids, image ids and states."""
        return frozenset((one.name, one.id, one.image_id, one.state) for one in self._twin.containers({}))

    def published(self, repository: str) -> Mapping[str, str]:
        """Return the tags the registry holds, with their digests."""
        home = f"{self.host}/{repository}:"
        return {name.removeprefix(home): one.digest for name, one in self._registry.manifests.items() if home in name}

    def image_ids(self, repository: str, tag: str) -> frozenset[str]:
        """Return the ids an image may have that the registry holds under a tag."""
        return frozenset({self._registry.manifests[f"{self.host}/{repository}:{tag}"].config or ""})

    def saved(self) -> str | None:
        """Return `user:password` as it is kept for the registry."""
        saved = self._registry.saved
        return f"{saved.user}:{saved.secret.reveal()}" if saved else None

    def save_login(self, user: str, password: str) -> None:
        """Keep a login for the registry, as `docker login` would."""
        self._registry.saved = Credential(user=user, secret=Secret(password))

    def put_image(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Let a name point to an image that Seatrial did not build; with labels to one that bears them."""
        self._twin.add(f"somebody else's {labels}", ImageReference.parse(name), labels)

    def remove_image(self, image_id: str) -> None:
        """Take an image away with all its names."""
        del self._twin._images[image_id]

    def publish(self, repository: str, tag: str, labels: Mapping[str, str] | None = None) -> str:
        """Let the registry hold an image that Seatrial neither built nor pushed; give its digest."""
        image_id, digest = (f"sha256:{secrets.token_hex(32)}" for _ in range(2))
        self._registry.images[digest] = Image(id=image_id, labels=dict(labels or {}))
        self._registry.manifests[f"{self.host}/{repository}:{tag}"] = Manifest(digest=digest, config=image_id)
        return digest

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        """Start a container that Seatrial did not make; give its id."""
        image = next(one for one in self._twin.images() if self.base in one.tags)
        spec = ContainerSpec(name=name, image_id=image.id, labels=dict(labels), port=PORT, host_port=host_port)
        made = self._twin.create(spec, lambda _: None)
        self._twin.start(made)
        return made

    def clean(self) -> None:
        """Take away what bears the project's name and not its label."""
        self._twin.close()
