"""preflight: what can be known of a release before a build of minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seatrial.engine.model import Image
from seatrial.engine.protocol import Tell
from seatrial.errors import StepFailed
from seatrial.events import Note
from seatrial.model.app import INPUTS_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Change, Holds
from seatrial.pipeline.world import Foresight, World
from seatrial.registry.model import Manifest
from seatrial.steps.build.plan import Recipe
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import conflict, holds, short

__all__ = ["Preflight"]


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """We may push there, as far as can be told, and the version is not published with other content.

    What is published already, made from these very inputs, is fetched: another build of it might have other bytes.
    """

    target: App
    version: Version
    destination: Destination
    overwrite: bool = False
    name: str = "preflight"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    @property
    def reference(self) -> ImageReference:
        """The name the version is published under."""
        return self.destination.home.with_tag(self.destination.tags(self.version).own[0])

    @property
    def local(self) -> ImageReference:
        """The name a build of the version has."""
        return self.target.repository.with_tag(str(self.version))

    def plan(self, world: World) -> Change | Holds:
        """Ask the registry for the version, and compare what it was made from with the inputs."""
        reference = self.reference
        world.admit(self.destination.home)
        manifest = world.held(reference)
        if manifest is None:
            return Holds(reason=f"{reference.familiar} is not published yet")
        recipe = Recipe.of(self.target, self.version, world)
        published = _published(world, reference, manifest)
        if recipe.wanting:
            base = recipe.wanting.familiar
            return Change(
                reason=f"{reference.familiar} is published; {base} will tell whether from these inputs",
                foresight=Foresight() if self.overwrite else self._fetched(published, made_from=recipe.inputs.digest),
            )
        if not recipe.made(published):
            if self.overwrite:
                return Holds(
                    reason=f"{reference.familiar} is published with other content, and --overwrite says to replace it",
                    identity=manifest.digest,
                )
            raise conflict(
                self.destination, reference, manifest, published.labels, _difference(world, recipe, published)
            )
        local = world.image(self.local)
        if self.target.build.no_cache or (local and holds(local, reference, manifest)):
            reason = f"{reference.familiar} is published, made from these inputs"
            return Holds(reason=reason, identity=manifest.digest)
        return Change(
            reason=f"{reference.familiar} is published, made from these inputs: it is fetched, not built again",
            before=local.id if local else None,
            after=manifest.digest,
            foresight=self._fetched(published, made_from=published.labels[INPUTS_LABEL]),
        )

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Fetch it by its digest, give it the name a build would, and go on with it."""
        recipe = Recipe.of(self.target, self.version, world).with_bases(tell)
        manifest, local = world.held(self.reference), world.image(self.local)
        if manifest is None or (local and holds(local, self.reference, manifest)):
            return
        if self.target.build.no_cache or not recipe.made(_published(world, self.reference, manifest)):
            return  # what that means, the next look says
        reference = self.reference.with_digest(manifest.digest)
        tell(Note(text=f"pulling {self.reference.familiar}, {short(manifest.digest)}"))
        world.pull(reference, tell)
        image = world.engine.image(reference.familiar)
        if image is None:
            raise StepFailed(
                f"{reference.familiar} was pulled and is not there",
                why="the engine does not know it by its digest",
                mend="look whether somebody else removes images there, then run it again",
            )
        world.engine.tag(image.id, self.local)
        world.notes.keep_inputs(image.labels[INPUTS_LABEL], recipe.inputs.parts, world.process.run)
        world.notes.keep_current(self.app, image.id)

    def _fetched(self, published: Image, *, made_from: str) -> Foresight:
        """Foresee that the published image is here, and made from these inputs: whatever else would be a conflict."""
        labels = {**published.labels, INPUTS_LABEL: made_from}
        image = replace(published, tags=(self.local.familiar,), labels=labels)
        return Foresight(images=(image,), current={self.app: image})


def _published(world: World, reference: ImageReference, manifest: Manifest) -> Image:
    """Give a published image as the engine would have it; an index has its own digest as id."""
    labels = world.configuration(reference, manifest).labels
    return Image(id=manifest.config or manifest.digest, tags=(reference.familiar,), labels=labels)


def _difference(world: World, recipe: Recipe, published: Image) -> str:
    made = published.labels.get(INPUTS_LABEL)
    if made is None:
        return "which Seatrial did not build"
    parts = world.notes.inputs(made)
    return f"made from other inputs: {recipe.inputs.difference(parts)}" if parts else "made from other inputs"
