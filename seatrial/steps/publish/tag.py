"""tag: the image's references in the user's repository, with its version and its moving tags."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seatrial.engine.protocol import Emit
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Results
from seatrial.pipeline.step import AppStep, Change, NoChange
from seatrial.pipeline.world import PlannedState, World
from seatrial.steps.publish.destination import Destination, join_references

__all__ = ["Tag"]


@dataclass(frozen=True, kw_only=True)
class Tag(AppStep):
    """In the engine, the references to be pushed point to the image of a version."""

    version: Version | None
    destination: Destination
    name: str = "tag"

    def plan(self, world: World) -> Change | NoChange:
        """Compare the image with what each reference points to."""
        image = world.image_for(self.target, self.version)
        references = self.destination.references(image)
        pointing = {reference: world.image(reference) for reference in references}
        wrong = {name: found for name, found in pointing.items() if found is None or found.id != image.id}
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
            planned=PlannedState(images=(replace(image, tags=(*image.tags, *tags)),)),
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  every step's signature
        """Point every reference to the image."""
        image = world.image_for(self.target, self.version)
        for reference in self.destination.references(image):
            world.engine.tag(image.id, reference)
