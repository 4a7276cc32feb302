"""tag: the image's references in the user's repository, with its version and its moving tags."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Difference, Results
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import PlannedState, World
from seatrial.steps.publish.destination import Destination, join_references
from seatrial.wording import short_digest

__all__ = ["Tag", "taken"]


@dataclass(frozen=True, kw_only=True)
class Tag(AppStep):
    """In the engine, the references to be pushed point to the image of a version."""

    version: Version | None
    destination: Destination
    name: str = "tag"

    def plan(self, world: World) -> Change[Image] | NoChange:
        """Compare the image with what each reference points to."""
        image = world.image_for(self.target, self.version)
        references = self.destination.references(image)
        wrong = _wrong(world, image, references)
        results = Results(image=image)
        if not wrong:
            return NoChange(
                results=results, message=f"{image.name} is tagged as {join_references(references)}", identity=image.id
            )
        moved = next((found.id for found in wrong.values() if found), None)
        tags = tuple(reference.familiar for reference in references)
        return Change(
            would=f"tag {image.name} as {join_references(tuple(wrong))}",
            done=f"tagged {image.name} as {join_references(tuple(wrong))}",
            before=moved,
            after=image.id,
            results=results,
            diff=tuple(
                Difference(
                    name=one.familiar, before=short_digest(found.id) if found else None, after=short_digest(image.id)
                )
                for one, found in wrong.items()
            ),
            found=image,
            planned=PlannedState(images=(replace(image, tags=(*image.tags, *tags)),)),
        )

    def apply(self, world: World, change: Change[Image], emit: Emit) -> None:
        """Point every reference to the image."""
        image = change.found
        for reference in self.destination.references(image):
            world.engine.tag(image.id, reference)

    def explain(self, world: World) -> Explanation:
        """Return the tags as docker commands."""
        from seatrial.pipeline.explanation import explained_image
        from seatrial.steps.publish.explain import explain_tag

        return explain_tag(self.destination, explained_image(world, self.target, self.version))

    def look_again(self, world: World, change: Change[Image]) -> NoChange:
        """Look whether the references still point to the image; raise `Conflict` if somebody else has moved one."""
        image = change.found
        for reference, found in _wrong(world, image, self.destination.references(image)).items():
            raise taken(reference, image, found)
        return NoChange(results=Results(image=image), message=change.done, identity=image.id)


def taken(reference: ImageReference, image: Image, found: Image | None) -> Conflict:
    """Return the error for a reference to an image in the engine that somebody else has moved since."""
    now = found.id if found else "nothing"
    return Conflict(
        f"{reference.familiar} is another build's now",
        reason=f"in the engine it points to {now}, no longer to {image.id}",
        hint="find out who else works on this version here, then run it again",
    )


def _wrong(world: World, image: Image, references: tuple[ImageReference, ...]) -> dict[ImageReference, Image | None]:
    """Return the references that do not point to the image, and what they point to."""
    # What the engine just said about the image names all references that point to it.
    pointing = {one: image if one.familiar in image.tags else world.image(one) for one in references}
    return {name: found for name, found in pointing.items() if found is None or found.id != image.id}
