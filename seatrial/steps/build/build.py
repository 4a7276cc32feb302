"""build: the image of a version, made from these inputs."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.events import WarningEvent
from seatrial.model.app import INPUTS_LABEL, UNCOMMITTED_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Change, NoChange
from seatrial.pipeline.world import NOT_BUILT, PlannedState, World
from seatrial.steps.build.plan import BuildPlan
from seatrial.wording import spaced_size

__all__ = ["Build"]


@dataclass(frozen=True, kw_only=True)
class Build:
    """`repository:version` is an image made from exactly these inputs, and the one this project goes on with.

    The inputs are the context's files, the Dockerfile, arguments, target, platforms, version and the base images'
    identity; their digest is kept in the image as a label. Without cache, only an image of this run counts.
    """

    target: App
    version: Version
    name: str = "build"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    @property
    def reference(self) -> ImageReference:
        """The image's name."""
        return self.target.repository.with_tag(str(self.version))

    def plan(self, world: World) -> Change | NoChange:
        """Compare the inputs with those the image was made from."""
        build_plan = BuildPlan.of(self.target, self.version, world)
        image = world.image(self.reference)
        same = image is not None and build_plan.is_up_to_date(image)
        if image and same and (not self.target.build.no_cache or self._built_now(image, world)):
            if world.is_current(self.target, image):
                return NoChange(
                    message=f"{self.reference.familiar} is up to date",
                    identity=image.id,
                    detail=spaced_size(image.size),
                )
            known = PlannedState(current={self.app: image})
            current = world.current(self.target)
            return Change(
                would=f"make {self.reference.familiar} current again",
                done=f"{self.reference.familiar} was already built; it is current again",
                before=current.id if current else None,
                after=image.id,
                planned=known,
            )
        if image is None:
            reason = ""
        elif INPUTS_LABEL not in image.labels:
            reason = "the image under this tag was not built by Seatrial"
        elif not self.target.labels.items() <= image.labels.items():
            reason = f"the tag belongs to {_owner(image)}"
        elif same:
            reason = "no cache, as --no-cache asks"
        else:
            reason = build_plan.inputs.difference(world.state.inputs(image.labels[INPUTS_LABEL]))
        world.engine.builder(self.target.build)
        planned_image = Image(id=NOT_BUILT, tags=(self.reference.familiar,), labels=build_plan.labels())
        planned = PlannedState(images=(planned_image,), current={self.app: planned_image})
        verb, past = ("rebuild", "rebuilt") if image else ("build", "built")
        return Change(
            would=f"{verb} {self.reference.familiar}",
            done=f"{past} {self.reference.familiar}",
            reason=reason,
            before=image.id if image else None,
            planned=planned,
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Fetch the base images that are missing, build, and note what went in."""
        if change.after:
            world.state.save_current(self.app, change.after)
            return
        build_plan = BuildPlan.of(self.target, self.version, world)
        build_plan = build_plan.pull_bases(emit)
        request = build_plan.request(self.reference)
        if UNCOMMITTED_LABEL in request.labels and self.version.tags(self.target.tags).moving:
            emit(WarningEvent(text="built with uncommitted changes: no moving tag like latest will follow it"))
        image_id = world.engine.build(request, emit)
        world.state.save_file_digests(self.app)
        world.state.save_inputs(build_plan.inputs.digest, build_plan.inputs.parts, world.process.run)
        world.state.save_current(self.app, image_id)

    @staticmethod
    def _built_now(image: Image, world: World) -> bool:
        return world.state.built_by(image.labels[INPUTS_LABEL]) == world.process.run


def _owner(image: Image) -> str:
    """Return the project and app that an image's labels name."""
    project, app = image.labels.get("seatrial.project", "?"), image.labels.get("seatrial.app", "?")
    return f"project {project}, app {app}"
