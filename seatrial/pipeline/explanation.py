"""Say what steps do in docker commands, without doing anything."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from seatrial.engine.model import Image, ImageConfig
from seatrial.engine.planned import planned_engine
from seatrial.errors import EngineUnavailable
from seatrial.host.regular_files import read_regular_file
from seatrial.model.app import VERSION_LABEL, App
from seatrial.model.shell import ShellCommand, Variable, Word
from seatrial.model.version import Version
from seatrial.pipeline.step import Step
from seatrial.pipeline.world import NOT_BUILT, World
from seatrial.sources.dockerfile import own_user
from seatrial.sources.dockerfile_ports import exposed_ports

__all__ = ["IMAGE", "ExplainedStep", "explain", "explained_image", "remember_image"]

IMAGE: Final[Word] = ("", Variable("image"))
"""The id of the image that `remember_image` saves."""


class ExplainedStep(Struct, frozen=True, kw_only=True):
    """A step in commands; `notes` say what it does that they do not."""

    step: str
    app: str
    commands: tuple[ShellCommand, ...]
    notes: tuple[str, ...] = ()


def explain(steps: Iterable[Step], world: World) -> tuple[ExplainedStep, ...]:
    """Return each step in commands. Without an engine, the commands are those for an empty one."""
    try:
        world.engine.info()
    except EngineUnavailable:
        world = replace(world, engine=planned_engine(world.engine.endpoint))
    explained, said = [], set[ShellCommand]()
    for step in steps:
        found = step.explain(world)
        world = world.with_planned(found.planned)
        commands = tuple(one for one in found.commands if one not in said)
        said |= {one for one in commands if one.once}
        explained.append(ExplainedStep(step=step.name, app=step.app, commands=commands, notes=found.notes))
    return tuple(explained)


def remember_image(image: Image) -> ShellCommand:
    """Return the command that saves an image's id for the next ones."""
    name = image.tags[0] if image.tags else image.id
    return ShellCommand(
        argv=("docker", "image", "inspect", "--format", "{{.Id}}", name),
        saves="image",
        object=f"image {name}",
        effect="is remembered by its id, because a name can move to another image",
        once=True,
    )


def explained_image(world: World, app: App, version: Version | None) -> Image:
    """Return the image of a version, or if it is None the image built last; also if there is no such image yet.

    Raise `StepFailed` if there is none and no version names it.
    """
    if version is None:
        recorded = world.state.current(app.name)
        if world.current(app) is None and recorded:
            return Image(id=recorded)  # the engine does not answer
        return world.image_for(app, None)
    reference = app.repository.with_tag(str(version))
    if image := world.image(reference):  # no matter who built it
        return replace(image, tags=(reference.familiar,))
    config = ImageConfig()
    with suppress(OSError, UnicodeDecodeError):
        text = read_regular_file(app.dockerfile).decode("utf-8")
        config = ImageConfig(exposed=exposed_ports(text, app.build.arguments, app.build.target), user=own_user(text))
    labels = {**app.labels, VERSION_LABEL: str(version)}
    return Image(id=NOT_BUILT, tags=(reference.familiar,), labels=labels, config=config)
