"""build: the image of a version, made from these inputs."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.model import Image
from seatrial.engine.protocol import Tell
from seatrial.events import Caution
from seatrial.model.app import INPUTS_LABEL, UNCOMMITTED_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Change, Holds
from seatrial.pipeline.world import NOT_BUILT, Foresight, World
from seatrial.steps.build.plan import Recipe

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

    def plan(self, world: World) -> Change | Holds:
        """Compare the inputs with those the image was made from."""
        recipe = Recipe.of(self.target, self.version, world)
        image = world.image(self.reference)
        same = image is not None and recipe.made(image)
        if image and same and (not self.target.build.no_cache or self._built_now(image, world)):
            if world.is_current(self.target, image):
                return Holds(reason=f"{self.reference.familiar} is made from these inputs", identity=image.id)
            reason = f"{self.reference.familiar} is the image to go on with again"
            known = Foresight(current={self.app: image})
            current = world.current(self.target)
            return Change(reason=reason, before=current.id if current else None, after=image.id, foresight=known)
        if image is None:
            reason = f"there is no {self.reference.familiar} yet"
        elif INPUTS_LABEL not in image.labels:
            reason = f"{self.reference.familiar} was not built by Seatrial"
        elif not self.target.labels.items() <= image.labels.items():
            reason = f"{self.reference.familiar} is another project's or app's"
        elif same:
            reason = "the same inputs, built anew without cache"
        else:
            reason = recipe.inputs.difference(world.notes.inputs(image.labels[INPUTS_LABEL]))
        world.engine.builder(self.target.build)
        made = Image(id=NOT_BUILT, tags=(self.reference.familiar,), labels=recipe.labels())
        foresight = Foresight(images=(made,), current={self.app: made})
        return Change(reason=reason, before=image.id if image else None, foresight=foresight)

    def apply(self, world: World, change: Change, tell: Tell) -> None:
        """Fetch the base images that are missing, build, and note what went in."""
        if change.after:
            world.notes.keep_current(self.app, change.after)
            return
        recipe = Recipe.of(self.target, self.version, world)
        recipe = recipe.with_bases(tell)
        request = recipe.request(self.reference)
        if UNCOMMITTED_LABEL in request.labels and self.version.tags(self.target.tags).moving:
            tell(Caution(text="built with uncommitted changes: no moving tag like latest will follow it"))
        image_id = world.engine.build(request, tell)
        world.notes.keep_file_digests(self.app)
        world.notes.keep_inputs(recipe.inputs.digest, recipe.inputs.parts, world.process.run)
        world.notes.keep_current(self.app, image_id)

    @staticmethod
    def _built_now(image: Image, world: World) -> bool:
        return world.notes.built_by(image.labels[INPUTS_LABEL]) == world.process.run
