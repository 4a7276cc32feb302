"""A world in memory with one app, where a test sets what ledger, engine and registry hold."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from seatrial.engine.model import Image
from seatrial.errors import EngineUnavailable
from seatrial.host.process import Process
from seatrial.model.app import VERSION_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.retry import RetryPolicy
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.registry import MemoryRegistry

__all__ = [
    "HOST",
    "RELEASE_TAGS",
    "build",
    "make_destination",
    "make_world",
    "publish",
    "record_release",
    "without_engine",
    "without_registry",
]

HOST = "registry.test:5000"
RELEASE_TAGS = ("1.4.2", "1.4", "1", "latest")
"""The tags under which 1.4.2 is published."""


def make_world(folder: Path) -> World:
    """Return an empty world with an engine and a registry."""
    engine = MemoryEngine()
    engine.registries[HOST] = MemoryRegistry(HOST)
    retry_policy = RetryPolicy(sleep=lambda _: None)
    return World(
        engine=engine,
        registry=engine.registry,
        state=StateFolder(folder),
        process=Process.this(),
        retry_policy=retry_policy,
    )


def make_destination(folder: Path) -> Destination:
    """Return the destination of an app with a random name."""
    name = f"w{secrets.token_hex(4)}"
    app = App(
        project="example",
        name=name,
        context=folder,
        dockerfile=folder / "Dockerfile",
        repository=ImageReference.parse(f"example/{name}"),
        port=80,
        host_port=5000,
        checks=(),
        base_images=(),
        environment={},
        memory=1,
        smoke_timeout=1,
    )
    return Destination(target=app, user="demo", registry=HOST)


def build(world: World, destination: Destination, version: str, *tags: str, content: str = "") -> Image:
    """Add an image to the engine under its own name, and tag it with `tags` for the registry."""
    engine = world.engine
    assert isinstance(engine, MemoryEngine)
    own = destination.target.repository.with_tag(version)
    image_id = engine.add(f"{version} {content}", own, {**destination.target.labels, VERSION_LABEL: version})
    for tag in tags:
        engine.tag(image_id, destination.repository.with_tag(tag))
    image = engine.image(image_id)
    assert image
    return image


def publish(world: World, destination: Destination, image: str, *tags: str) -> str:
    """Publish the image with the id `image` under tags; return its digest."""
    digest = f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
    registry = world.registry(HOST)
    for tag in tags:
        registry.tag(destination.repository.with_tag(tag), Manifest(digest=digest, config=image))
    return digest


def record_release(world: World, destination: Destination, version: str, digests: Mapping[str, str]) -> None:
    """Record a release in the ledger."""
    world.ledger.append(
        Entry(
            action="release",
            app=destination.target.name,
            repository=str(destination.repository),
            version=version,
            image=None,
            digests=digests,
            who="alice@laptop",
            when="2026-01-01T00:00:00+00:00",
        )
    )


def without_registry(world: World) -> World:
    """Return the world without its registry."""
    assert isinstance(world.engine, MemoryEngine)
    world.engine.registries.clear()
    return world


def without_engine(world: World) -> World:
    """Return the world without its engine."""

    class UnreachableEngine(MemoryEngine):
        def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:  # noqa: ARG002  the protocol's signature
            """Raise EngineUnavailable."""
            raise EngineUnavailable("no Docker Engine answers", reason="no such file", hint="invoke up")

    return replace(world, engine=UnreachableEngine())
