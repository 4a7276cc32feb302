"""Gather what `layers` shows: an image, the one it is compared with, and what the registry has of both."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from seatrial.cli.flags import NamedImageFlags, RegistryFlags
from seatrial.cli.numbers import typed_version
from seatrial.cli.playbook import Playbook
from seatrial.engine.model import Image
from seatrial.errors import StepFailed, UsageError
from seatrial.layers.comparison import Comparison
from seatrial.layers.image_steps import LayeredImage, layered_image, layered_images, published_image
from seatrial.layers.sharing import Sharing
from seatrial.layers.transfer import Traffic, look_up, traffic
from seatrial.model.app import VERSION_LABEL, App
from seatrial.model.version import Version
from seatrial.output.layers.sharing_view import SharingView
from seatrial.output.layers.view import LayersView
from seatrial.output.listing import find_image
from seatrial.pipeline.retry import RetryPolicy
from seatrial.pipeline.world import World
from seatrial.sources.dockerfile import DockerfileError, up_to_target
from seatrial.steps.build.files import read_dockerfile
from seatrial.steps.publish.destination import Destination

__all__ = ["layers_view", "sharing_view"]


def sharing_view(world: World, app: App | None) -> SharingView:
    """Return what the engine's images share, or those of an app."""
    found = world.engine.images(app.labels if app else None)
    return SharingView(sharing=Sharing(images=tuple(layered_images(world.engine, found))))


def layers_view(
    world: World, playbook: Playbook, flags: NamedImageFlags, where: RegistryFlags, *, against: str | None
) -> LayersView:
    """Return an image's layers beside those of another version; `StepFailed` when there is no such image.

    Without `against` the other one is the version that was built before. What the engine no longer has is read from the
    registry.
    """
    if flags.image is not None:
        return LayersView(image=_named(world, playbook, flags))
    app = playbook.settings.app(flags.app)
    destination, no_registry = _destination(playbook, app, where)
    image, label = _version(world, app, destination, typed_version(flags))
    other = _other(world, app, destination, image, against)
    sent = _traffic(world, destination, image, label, other) if destination else None
    return LayersView(
        image=image,
        comparison=Comparison(image=image, against=other[0], dockerfile=_dockerfile(world, app)) if other else None,
        traffic=sent or Traffic(repository="", reason=no_registry),
    )


def _named(world: World, playbook: Playbook, flags: NamedImageFlags) -> LayeredImage:
    name = find_image(world, playbook.settings, flags.image, app=flags.app, version=typed_version(flags))
    image = world.engine.image(name)
    if image is None:
        raise StepFailed(f"there is no image {name}", reason="it has just been removed", hint="invoke images")
    return layered_image(world.engine, image)


def _destination(playbook: Playbook, app: App, where: RegistryFlags) -> tuple[Destination | None, str]:
    """Return where the app is published, or why that is not known."""
    try:
        return playbook.destination(app, where), ""
    except UsageError as error:
        if where.user or where.registry:
            raise
        return None, f"{error.message}: {error.reason}"


def _version(
    world: World, app: App, destination: Destination | None, version: Version | None
) -> tuple[LayeredImage, Version | None]:
    """Return a version's image and its version: from the engine, else from the registry."""
    try:
        image = world.image_for(app, version)
    except StepFailed:
        published = destination and version and _published(world, destination, version)
        if not published:
            raise
        return published, version
    label = image.labels.get(VERSION_LABEL)
    return layered_image(world.engine, image), version or (Version.parse(label) if label else None)


def _published(world: World, destination: Destination, version: Version) -> LayeredImage | None:
    reference = destination.repository.with_tag(destination.tags(version).own[0])
    found = look_up(world, reference)
    return published_image(f"{reference.familiar} (in the registry)", found.configuration) if found else None


def _other(
    world: World, app: App, destination: Destination | None, image: LayeredImage, against: str | None
) -> tuple[LayeredImage, Version | None] | None:
    """Return the image to compare with, and its version; None if there is no earlier one."""
    if against is not None:
        try:
            return _version(world, app, destination, Version.parse(against))
        except UsageError as error:
            raise error.but(hint=error.hint.replace("--version", "--against", 1)) from error
    own = app.repository.name
    others = [one for one in world.engine.images(app.labels) if one.id != image.id and _is_version(one, own)]
    built = {image_id: place for place, image_id in enumerate(world.state.built(app.name))}

    def when(one: Image) -> tuple[int, float, str]:
        return built.get(one.id, -1), one.created, one.id

    this = world.engine.image(image.id) if image.id else None
    before = [one for one in others if this is None or when(one) < when(this)]
    newest = max(before, key=when, default=None)
    label = newest.labels.get(VERSION_LABEL) if newest else None
    return _version(world, app, destination, Version.parse(label)) if label else None


def _is_version(image: Image, repository: str) -> bool:
    """Return whether an image has the name of the version that it was built as."""
    return f"{repository}:{image.labels.get(VERSION_LABEL)}" in image.tags


def _traffic(
    world: World,
    destination: Destination,
    image: LayeredImage,
    version: Version | None,
    other: tuple[LayeredImage, Version | None] | None,
) -> Traffic:
    known = [one for one in (version, other[1] if other else None) if one]
    return traffic(
        replace(world, retry_policy=RetryPolicy(delays=(), rate_limit_delays=())),
        destination.repository,
        image,
        other[0] if other else None,
        [tag for one in known for tag in destination.tags(one).all],
    )


def _dockerfile(world: World, app: App) -> str:
    """Return the Dockerfile up to the stage that is built; empty if it cannot be read, as only hints need it."""
    with suppress(UsageError, DockerfileError):
        text, options = read_dockerfile(app, world).decode("utf-8"), app.build
        return up_to_target(text, options.arguments, options.target) if options.target else text
    return ""
