"""A base image for an app: pulled, or built from Debian packages if Docker Hub cannot be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import SeatrialError, StepFailed, Unavailable
from seatrial.events import Info
from seatrial.model.reference import OWN_REGISTRY, ImageReference
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import PlannedState, World
from seatrial.steps.setup.debian import root_file_system

__all__ = ["BaseImage", "MakeImage", "obtain"]

MakeImage = Callable[[World, ImageReference, Emit], None]
"""A function that builds an image under a name in `OWN_REGISTRY`."""

_PACKAGES = ("python3", "python3-pip", "python3-venv", "python-is-python3")
# Inside an image pip may install system-wide, as in the official python images.
_HOOKS = ('rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',)
_CHANGES = ('CMD ["python3"]', "LABEL seatrial.built-from=debian")


@dataclass(frozen=True, kw_only=True)
class BaseImage(AppStep):
    """One of the app's base images is in the engine."""

    name: str = "base"

    def plan(self, world: World) -> Change | NoChange:
        """Look for the base images in the engine, in their order."""
        wanted = self.target.base_images
        for reference in wanted:
            if image := world.image(reference):
                return NoChange(message=f"base image {reference.familiar} is ready", identity=image.id)
        first = Image(id="(not pulled yet)", tags=(wanted[0].familiar,))
        return Change(
            would=f"get a base image: {' or '.join(base.familiar for base in wanted)}",
            diff=(Difference(name="base image", before=None, after=wanted[0].familiar),),
            planned=PlannedState(images=(first,)),
        )

    def explain(self, world: World) -> Explanation:
        """Return the pull of a base image as a docker command."""
        wanted = self.target.base_images
        found = next((one for one in wanted if world.image(one)), wanted[0]).familiar
        pull = ShellCommand(
            argv=("docker", "pull", found),
            unless=("docker", "image", "inspect", found),
            object=f"image {found}",
            effect="is fetched from its registry, unless it is here",
        )
        note = "builds a base image from Debian packages where Docker Hub cannot be reached"
        return Explanation(commands=(pull,), notes=(note,) if wanted[-1].registry == OWN_REGISTRY else ())

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Pull or build the first one possible."""
        obtain(world, self.target.base_images, _make, emit)


def obtain(world: World, wanted: tuple[ImageReference, ...], make: MakeImage, emit: Emit) -> None:
    """Pull the first of these images that can be pulled; one in `OWN_REGISTRY` is built instead."""
    last_error: SeatrialError | None = None
    for reference in wanted:
        if reference.registry == OWN_REGISTRY:
            make(world, reference, emit)
            return
        emit(Info(text=f"pulling {reference.familiar}"))
        try:
            world.pull(reference, emit)
        except (Unavailable, StepFailed) as error:
            last_error = error
            emit(Info(text=f"cannot pull {reference.familiar}: {error.reason}"))
        else:
            return
    if last_error:
        raise last_error


def _make(world: World, reference: ImageReference, emit: Emit) -> None:
    with root_file_system(_PACKAGES, _HOOKS, emit) as archive:
        world.engine.import_image(archive, reference, _CHANGES)
