"""preflight: what can be known of a release before a build of minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import StepFailed
from seatrial.events import Info
from seatrial.model.app import INPUTS_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Change, NoChange
from seatrial.pipeline.world import PlannedState, World
from seatrial.registry.model import Manifest
from seatrial.steps.build.plan import BuildPlan
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import conflict, is_same_image, short

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
        return self.destination.repository.with_tag(self.destination.tags(self.version).own[0])

    @property
    def local(self) -> ImageReference:
        """The name a build of the version has."""
        return self.target.repository.with_tag(str(self.version))

    def plan(self, world: World) -> Change | NoChange:
        """Ask the registry for the version, and compare what it was made from with the inputs."""
        reference = self.reference
        world.check_push_permission(self.destination.repository)
        manifest = world.published_manifest(reference)
        if manifest is None:
            return NoChange(message=f"{reference.familiar} is free")
        build_plan = BuildPlan.of(self.target, self.version, world)
        published = _published(world, reference, manifest)
        if build_plan.missing_base:
            base = build_plan.missing_base.familiar
            return Change(
                would=f"pull {base}, to compare the inputs with those of the published {reference.familiar}",
                planned=PlannedState()
                if self.overwrite
                else self._fetched(published, made_from=build_plan.inputs.digest),
            )
        if not build_plan.is_up_to_date(published):
            if self.overwrite:
                return NoChange(
                    message=f"{reference.familiar} is published with other content; --overwrite replaces it",
                    identity=manifest.digest,
                )
            raise conflict(
                self.destination, reference, manifest, published.labels, _difference(world, build_plan, published)
            )
        local = world.image(self.local)
        if self.target.build.no_cache or (local and is_same_image(local, reference, manifest)):
            message = f"{reference.familiar} is already published from these inputs"
            return NoChange(message=message, identity=manifest.digest)
        return Change(
            would=f"pull {reference.familiar}",
            done=f"pulled {reference.familiar}",
            reason="already published from these inputs",
            before=local.id if local else None,
            after=manifest.digest,
            planned=self._fetched(published, made_from=published.labels[INPUTS_LABEL]),
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  every step's signature
        """Fetch it by its digest, give it the name a build would, and go on with it."""
        build_plan = BuildPlan.of(self.target, self.version, world).pull_bases(emit)
        manifest, local = world.published_manifest(self.reference), world.image(self.local)
        if manifest is None or (local and is_same_image(local, self.reference, manifest)):
            return
        if self.target.build.no_cache or not build_plan.is_up_to_date(_published(world, self.reference, manifest)):
            return  # what that means, the next look says
        reference = self.reference.with_digest(manifest.digest)
        emit(Info(text=f"pulling {self.reference.familiar}, {short(manifest.digest)}"))
        world.pull(reference, emit)
        image = world.engine.image(reference.familiar)
        if image is None:
            raise StepFailed(
                f"{reference.familiar} was pulled and is not there",
                reason="the engine does not know it by its digest",
                hint="look whether somebody else removes images there, then run it again",
            )
        world.engine.tag(image.id, self.local)
        world.state.save_inputs(image.labels[INPUTS_LABEL], build_plan.inputs.parts, world.process.run)
        world.state.save_current(self.app, image.id)

    def _fetched(self, published: Image, *, made_from: str) -> PlannedState:
        """Foresee that the published image is here, and made from these inputs: whatever else would be a conflict."""
        labels = {**published.labels, INPUTS_LABEL: made_from}
        image = replace(published, tags=(self.local.familiar,), labels=labels)
        return PlannedState(images=(image,), current={self.app: image})


def _published(world: World, reference: ImageReference, manifest: Manifest) -> Image:
    """Return a published image as the engine would have it; an index has its own digest as id."""
    labels = world.configuration(reference, manifest).labels
    return Image(id=manifest.config or manifest.digest, tags=(reference.familiar,), labels=labels)


def _difference(world: World, build_plan: BuildPlan, published: Image) -> str:
    inputs_digest = published.labels.get(INPUTS_LABEL)
    if inputs_digest is None:
        return "which Seatrial did not build"
    parts = world.state.inputs(inputs_digest)
    return f"made from other inputs: {build_plan.inputs.difference(parts)}" if parts else "made from other inputs"
