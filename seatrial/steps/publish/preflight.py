"""preflight: check before the build whether the release can be published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import NotAnImage, PushRefused, StepFailed
from seatrial.events import Info, WarningEvent
from seatrial.model.app import INPUTS_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import PlannedState, World
from seatrial.registry.model import Manifest
from seatrial.steps.build.plan import BuildPlan
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import conflict, is_same_image
from seatrial.wording import prefixed_digest

__all__ = ["Preflight"]


@dataclass(frozen=True, kw_only=True)
class Preflight(AppStep):
    """The user may push, as far as the registry shows it, and the version is not published with other content.

    If the version is already published from the same inputs, that image is pulled, since another build could differ.
    """

    version: Version
    destination: Destination
    overwrite: bool = False
    name: str = "preflight"
    may_be_unknown: ClassVar[bool] = True

    @property
    def reference(self) -> ImageReference:
        """The reference under which the version is published."""
        return self.destination.repository.with_tag(self.destination.tags(self.version).own[0])

    @property
    def local(self) -> ImageReference:
        """The reference that a build of the version has in the engine."""
        return self.target.repository.with_tag(str(self.version))

    def plan(self, world: World) -> Change | NoChange:
        """Look the version up in the registry, and compare its inputs with the current ones."""
        reference = self.reference
        # What is wrong here is told before anybody is asked.
        build_plan = BuildPlan.of(self.target, self.version, world)
        manifest = self._manifest(world)
        if manifest is None or self.overwrite or not self.target.build.cache:
            world.check_push_permission(self.destination.repository)  # before something is built to be pushed
        if manifest is None:
            if released := world.ledger.last(reference):
                digest = prefixed_digest(released.digests[str(reference.tag)])
                world.emit(
                    WarningEvent(text=f"{reference.familiar} was released as {digest}, which the registry has lost")
                )
            return NoChange(message=f"{reference.familiar} is not published yet")
        local = world.image(self.local)
        same = local is not None and is_same_image(local, reference, manifest)
        try:
            published = local if local and same else _published(world, reference, manifest)
        except NotAnImage as error:
            if not self.overwrite:
                raise conflict(world, self.destination, reference, manifest, error.kind) from error
            published = Image(id=manifest.digest)
        if build_plan.missing_base:
            base = build_plan.missing_base.familiar
            return Change(
                would=f"pull {base} to compare the inputs with those of the published {reference.familiar}",
                planned=PlannedState() if self.overwrite else self._planned(published, build_plan.inputs.digest),
            )
        if not build_plan.is_up_to_date(published):
            if self.overwrite:
                return NoChange(
                    message=f"{reference.familiar} is published with other content; --overwrite replaces it",
                    identity=manifest.digest,
                )
            raise conflict(world, self.destination, reference, manifest, _difference(world, build_plan, published))
        if same or not self.target.build.cache:
            message = f"{reference.familiar} is already published from these inputs"
            return NoChange(message=message, identity=manifest.digest)
        return Change(
            would=f"pull {reference.familiar}",
            done=f"pulled {reference.familiar}",
            reason="already published from these inputs",
            before=local.id if local else None,
            after=manifest.digest,
            planned=self._planned(published, published.labels[INPUTS_LABEL]),
        )

    def explain(self, world: World) -> Explanation:
        """Return the question to the registry as a docker command."""
        from seatrial.steps.publish.explain import look_up

        notes = (
            "asks whether you may push, and refuses a version that is published with other content, before the build",
            "pulls the published image if it was built from the same files",
        )
        return Explanation(commands=(look_up(self.reference),), notes=notes)

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Pull the image by its digest, tag it as a build would, and make it the current image."""
        build_plan = BuildPlan.of(self.target, self.version, world).pull_bases(emit)
        manifest, local = world.published_manifest(self.reference), world.image(self.local)
        if manifest is None or (local and is_same_image(local, self.reference, manifest)):
            return
        if not self.target.build.cache or not build_plan.is_up_to_date(_published(world, self.reference, manifest)):
            return  # the second plan reports it
        reference = self.reference.with_digest(manifest.digest)
        emit(Info(text=f"pulling {self.reference.familiar}, {prefixed_digest(manifest.digest)}"))
        world.pull(reference, emit)
        image = world.engine.image(reference.familiar)
        if image is None:
            raise StepFailed(
                f"{reference.familiar} was pulled but is missing",
                reason="the engine has no image with this digest",
                hint="check whether somebody else removes images, then run it again",
            )
        world.engine.tag(image.id, self.local)
        world.state.save_inputs(image.labels[INPUTS_LABEL], build_plan.inputs.parts, world.process.run)
        world.state.save_current(self.app, image.id)

    def _manifest(self, world: World) -> Manifest | None:
        try:
            return world.published_manifest(self.reference)
        except PushRefused:
            world.check_push_permission(self.destination.repository)  # its error is more precise
            raise

    def _planned(self, published: Image, inputs_digest: str) -> PlannedState:
        """Return the state after the pull of an image with these inputs; other inputs would be a conflict."""
        labels = {**published.labels, INPUTS_LABEL: inputs_digest}
        image = replace(published, tags=(self.local.familiar,), labels=labels)
        return PlannedState(images=(image,), current={self.app: image})


def _published(world: World, reference: ImageReference, manifest: Manifest) -> Image:
    """Return a published image as the engine would show it; an index has its own digest as id."""
    labels = world.configuration(reference, manifest).labels
    return Image(id=manifest.config or manifest.digest, tags=(reference.familiar,), labels=labels)


def _difference(world: World, build_plan: BuildPlan, published: Image) -> str:
    inputs_digest = published.labels.get(INPUTS_LABEL)
    if inputs_digest is None:
        return "which Seatrial did not build"
    parts = world.state.inputs(inputs_digest)
    return "built from other inputs" + (f": {build_plan.inputs.difference(parts)}" if parts else "")
