"""What a push and a pull move, from the registry's manifests."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.layers.transfer import traffic
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.model import Layer, Manifest
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.registry import MemoryRegistry
from tests.layers.test_comparison import BASE, image

REPOSITORY = ImageReference.parse("registry.test/me/shop")
FIRST = image(BASE, ("COPY . .", "1"))
SECOND = image(BASE, ("COPY . .", "2"))


@pytest.fixture
def registry() -> MemoryRegistry:
    """A registry of its own."""
    return MemoryRegistry("registry.test")


@pytest.fixture
def world(registry: MemoryRegistry, tmp_path: Path) -> World:
    """A world with the registry."""
    engine = MemoryEngine()
    engine.registries[registry.host] = registry
    return World(engine=engine, registry=engine.registry, state=StateFolder(tmp_path))


def publish(registry: MemoryRegistry, tag: str, *layers: tuple[str, int]) -> None:
    """Publish an image of these layers, with their compressed sizes."""
    blobs = tuple(Layer(digest=f"sha256:{name}", size=size) for name, size in layers)
    registry.manifests[f"{REPOSITORY}:{tag}"] = Manifest(digest=f"sha256:{tag}", config="sha256:c", layers=blobs)
    registry.images[f"sha256:{tag}"] = Image(id="sha256:c", layers=tuple(name for name, _ in layers))


def test_before_the_push(world: World, registry: MemoryRegistry) -> None:
    """Only layers that the registry does not have are sent; how far they compress is not known yet."""
    publish(registry, "1", ("base", 40), ("1", 7))
    found = traffic(world, REPOSITORY, SECOND, FIRST, ["2", "1"])
    assert ([step.layer for step in found.push_layers], found.push, found.published) == (["2"], 100, False)
    assert (found.pull_all, found.pull_update) == (None, None)
    assert found.reason


def test_after_the_push(world: World, registry: MemoryRegistry) -> None:
    """A pull fetches the compressed layers, an update only those that the other version does not have."""
    publish(registry, "1", ("base", 40), ("1", 7))
    publish(registry, "2", ("base", 40), ("2", 9))
    found = traffic(world, REPOSITORY, replace(SECOND, id="sha256:c"), FIRST, ["2", "1"])
    assert (found.push, found.published, found.pull_all, found.pull_update) == (0, True, 49, 9)
    other = traffic(world, REPOSITORY, replace(SECOND, id="sha256:other settings"), FIRST, ["2", "1"])
    assert (other.push, other.published) == (0, False)


def test_what_another_repository_has(world: World, registry: MemoryRegistry) -> None:
    """Layers that the engine knows from another repository there are mounted, if that one still has them."""
    engine = world.engine
    assert isinstance(engine, MemoryEngine)
    for name, layers in {"theirs": ("base", "2"), "gone": ("2",)}.items():
        image_id = f"sha256:{name}"
        names = (f"registry.test/me/{name}@sha256:{'b' * 64}",)
        engine._images[image_id] = Image(id=image_id, digests=names, layers=layers)
    digest = f"sha256:{'b' * 64}"
    manifest = Manifest(digest=digest, config="sha256:theirs", layers=(Layer(digest="sha256:base", size=40),))
    registry.manifests["registry.test/me/theirs:1"] = manifest
    registry.images[digest] = Image(id="sha256:theirs", layers=("base",))
    found = traffic(world, REPOSITORY, SECOND, FIRST, ["2"])
    assert found.mounted == {"base": "registry.test/me/theirs"}
    assert ([step.layer for step in found.push_layers], found.compressed) == (["2"], {"base": 40})


def test_no_answer(world: World) -> None:
    """Without the registry nothing is claimed."""
    found = traffic(world, ImageReference.parse("gone.test/me/shop"), SECOND, FIRST, ["2"])
    assert (found.looked, found.push, found.pull_all) == (False, None, None)
    assert "gone.test" in found.reason
