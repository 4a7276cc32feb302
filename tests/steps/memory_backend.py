"""The engine and the registry in memory, read and changed directly."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from seatrial.engine.model import BuildRequest, ContainerSpec, Image
from seatrial.engine.protocol import Emit, Engine
from seatrial.model.app import VERSION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential, Secret
from seatrial.registry.model import Manifest, Registry
from tests.engine.memory.engine import MemoryEngine, Program
from tests.engine.memory.registry import MemoryRegistry

__all__ = ["PORT", "Containers", "Images", "MemoryBackend", "ScriptedEngine"]

PORT = 8080
Images = frozenset[tuple[str, tuple[str, ...]]]
Containers = frozenset[tuple[str, str, str, str]]

_REPLY = re.compile(r"^REPLY = '(.*)'$", re.MULTILINE)


class ScriptedEngine(MemoryEngine):
    """An engine in memory whose containers behave as app.py said when their image was built."""

    def __init__(self) -> None:
        super().__init__()
        self._replies: dict[str, str] = {}

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Build the image, and remember the app's reply."""
        image_id = super().build(request, emit)
        found = _REPLY.search((request.context.folder / "app.py").read_text())
        self._replies[image_id] = found[1] if found else ""
        return image_id

    def start(self, container_id: str) -> None:
        """Start the container with the behaviour of its image."""
        container = self.container(container_id)
        self.program = self.program_of(container.image_id if container else "")
        super().start(container_id)

    def program_of(self, image_id: str) -> Program | None:
        """Return the behaviour of an image."""
        reply = self._replies.get(image_id, "")

        def program(path: str, labels: Mapping[str, str]) -> tuple[int, bytes]:
            if reply == "asleep":
                return 503, b""
            return 200, (labels.get(VERSION_LABEL, "") if path == "/version" else reply).encode()

        return None if reply == "crash" else program


class MemoryBackend:
    """An engine and a registry in memory."""

    host = "registry.test:5000"
    base = "localhost/seatrial/python:3.13"

    def __init__(self, project: str) -> None:
        self._engine = ScriptedEngine()
        self._engine.add("python", ImageReference.parse(self.base))
        self._registry = MemoryRegistry(self.host)
        self._engine.registries[self.host] = self._registry
        self._project = project

    @property
    def engine(self) -> Engine:
        """The engine as Seatrial uses it."""
        return self._engine

    def add_user(self, user: str, password: str) -> None:
        """Let the registry refuse every request without this user's password."""
        self._registry.users[user] = password

    def registry(self, host: str) -> Registry:
        """Return a registry as Seatrial uses it."""
        return self._engine.registry(host)

    def images(self) -> Images:
        """Return the images: ids with their tags."""
        found = set()
        for one in self._engine.images():
            names = tuple(sorted(name for name in one.tags if self._project in name))
            if names or one.labels.get("seatrial.project") == self._project:
                found.add((one.id, names))
        return frozenset(found)

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of an image."""
        return next(one.labels for one in self._engine.images() if name in one.tags)

    def containers(self) -> Containers:
        """Return the containers: names, ids, image ids and states."""
        return frozenset((one.name, one.id, one.image_id, one.state) for one in self._engine.containers({}))

    def published(self, repository: str) -> Mapping[str, str]:
        """Return a repository's tags in the registry, with their digests."""
        prefix = f"{self.host}/{repository}:"
        manifests = self._registry.manifests.items()
        return {name.removeprefix(prefix): one.digest for name, one in manifests if prefix in name}

    def image_ids(self, repository: str, tag: str) -> frozenset[str]:
        """Return the ids that a published image may have in an engine."""
        return frozenset({self._registry.manifests[f"{self.host}/{repository}:{tag}"].config or ""})

    def saved(self) -> str | None:
        """Return the login saved for the registry as `user:password`, or None."""
        saved = self._registry.saved
        return f"{saved.user}:{saved.secret.reveal()}" if saved else None

    def save_login(self, user: str, password: str) -> None:
        """Save a login for the registry as `docker login` would."""
        self._registry.saved = Credential(user=user, secret=Secret(password))

    def put_image(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Tag an image that Seatrial did not build; if there are labels, the image has them."""
        self._engine.add(f"somebody else's {labels}", ImageReference.parse(name), labels)

    def remove_image(self, image_id: str) -> None:
        """Remove an image with all its tags."""
        del self._engine._images[image_id]

    def publish(self, repository: str, tag: str, labels: Mapping[str, str] | None = None) -> str:
        """Publish an image that Seatrial neither built nor pushed, and return its digest."""
        image_id, digest = (f"sha256:{secrets.token_hex(32)}" for _ in range(2))
        self._registry.images[digest] = Image(id=image_id, labels=dict(labels or {}))
        self._registry.manifests[f"{self.host}/{repository}:{tag}"] = Manifest(digest=digest, config=image_id)
        return digest

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        """Start a container that Seatrial did not create, and return its id."""
        image = next(one for one in self._engine.images() if self.base in one.tags)
        spec = ContainerSpec(name=name, image_id=image.id, labels=dict(labels), port=PORT, host_port=host_port)
        container_id = self._engine.create(spec, lambda _: None)
        self._engine.start(container_id)
        return container_id

    def clean(self) -> None:
        """Remove what has the project's name but not its label."""
        self._engine.close()
