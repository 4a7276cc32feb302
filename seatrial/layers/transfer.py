"""How many bytes a push and a pull of an image really move: compressed layers, as the registry counts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from msgspec import Struct

from seatrial.errors import NotAnImage, SeatrialError
from seatrial.layers.image_steps import ImageStep, LayeredImage, total_size
from seatrial.model.reference import ImageReference
from seatrial.pipeline.world import World
from seatrial.registry.model import Configuration, Layer

__all__ = ["Published", "Traffic", "look_up", "traffic"]

_MOST_LOOKS = 3


class Published(Struct, frozen=True, kw_only=True):
    """What a registry holds under a tag; `ids` are those that the image may have in an engine."""

    configuration: Configuration
    ids: frozenset[str | None]

    @property
    def blobs(self) -> dict[str, Layer]:
        """The layers in the registry, by the digests of the uncompressed layers."""
        return dict(zip(self.configuration.layers, self.configuration.blobs, strict=False))


class Traffic(Struct, frozen=True, kw_only=True):
    """What a push and a pull move, in bytes; None is what cannot be known.

    `push` is for the layers that the registry does not have (`push_layers`), before compression: the engine compresses
    them while it sends them. `mounted` holds layers that the engine can have mounted, and from which repositories of
    the same registry. `pull_all` is for a machine without any of the layers, `pull_update` for one that has the other
    image. `published` is whether the registry has this image, `looked` whether it answered at all; `reason` says why
    something is not known.
    """

    repository: str
    compressed: dict[str, int] = {}
    looked: bool = False
    push: int | None = None
    push_layers: tuple[ImageStep, ...] = ()
    mounted: Mapping[str, str] = {}
    published: bool = False
    pull_all: int | None = None
    pull_update: int | None = None
    reason: str = ""

    @property
    def exact(self) -> bool:
        """Whether the bytes of a push are known, not only their limit."""
        return self.push == 0 and not self.mounted


def look_up(world: World, reference: ImageReference) -> Published | None:
    """Return what the registry has under a tag, None if it has no image there."""
    manifest = world.published_manifest(reference)
    if manifest is None:
        return None
    try:
        configuration = world.configuration(reference, manifest)
    except NotAnImage:
        return None
    return Published(configuration=configuration, ids=frozenset({manifest.digest, manifest.config}))


def traffic(
    world: World,
    repository: ImageReference,
    image: LayeredImage,
    against: LayeredImage | None,
    tags: Iterable[str],
) -> Traffic:
    """Return what a push to a repository and a pull from it move; `tags` are those that may hold the layers."""
    found: dict[str, Layer] = {}
    mounted: dict[str, str] = {}
    published = False
    try:
        for tag in dict.fromkeys(tags):
            if one := look_up(world, repository.with_tag(tag)):
                found |= one.blobs
                published = published or not image.id or image.id in one.ids
            if all(step.layer in found for step in image.layers):
                break  # Docker Hub counts each manifest as a pull
        if image.id:
            lacking = {step.layer for step in image.layers if step.layer} - found.keys()
            for name, blobs in _elsewhere(world, repository, lacking):
                mounted |= dict.fromkeys(lacking & blobs.keys() - found.keys(), name)
                found = {**blobs, **found}
    except SeatrialError as error:
        return Traffic(repository=repository.name, reason=f"{error.message}: {error.reason}")
    sizes = {layer: blob.size for layer, blob in found.items() if blob.size}
    missing = tuple(step for step in image.layers if step.layer not in found)
    known = all(step.layer in sizes for step in image.layers)
    shared = {step.chain for step in against.layers} if against else set()
    update = [sizes.get(step.layer or "") for step in image.layers if step.chain not in shared]
    return Traffic(
        repository=repository.name,
        compressed=sizes,
        looked=True,
        push=total_size(step.size for step in missing),
        push_layers=missing,
        mounted=mounted,
        published=published,
        pull_all=sum(sizes[step.layer or ""] for step in image.layers) if known else None,
        pull_update=total_size(update) if against else None,
        reason="" if known else "a layer's compressed size is known once it has been pushed",
    )


def _elsewhere(
    world: World, repository: ImageReference, lacking: set[str]
) -> Iterator[tuple[str, Mapping[str, Layer]]]:
    """Yield other repositories of the registry that have lacking layers, with all their layers.

    The engine knows them from earlier pushes and pulls, and asks the registry to mount layers from there.
    """
    left, looked = set(lacking), 0
    for image in world.engine.images():
        for name in image.digests:
            reference = ImageReference.parse(name)
            if reference.registry != repository.registry or reference.repository == repository.repository:
                continue
            if not left or looked == _MOST_LOOKS:
                return
            inspected = world.engine.image(image.id)
            if inspected is None or left.isdisjoint(inspected.layers):
                continue
            looked += 1
            with suppress(SeatrialError):  # it may have been removed, or we may not read it
                if found := look_up(world, reference):
                    left -= found.blobs.keys()
                    yield reference.name, found.blobs
