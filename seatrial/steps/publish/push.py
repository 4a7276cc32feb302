"""push: the registry holds the image under its version's tag and under its moving tags."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from seatrial.checks.image.policy import policy_fingerprint
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, PushRefused, SeatrialError, StepFailed, Unavailable
from seatrial.events import WarningEvent
from seatrial.model.app import INPUTS_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Results
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange, Publishing
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination, join_references, version_of
from seatrial.steps.publish.publication import Publication, record_change
from seatrial.steps.publish.retag import TagErrors, entry_for, partial_failure, retag_all
from seatrial.steps.publish.tag import taken
from seatrial.steps.publish.upload import Upload, when_settled

__all__ = ["Push"]


@dataclass(frozen=True, kw_only=True)
class Push(AppStep):
    """The registry returns this image's digest for each of its tags.

    Only an image that passed its checks is pushed, unless `untested` is set. The version's own tag is pushed first; it
    replaces other content only with `overwrite`. The moving tags follow; they move to an older version only with
    `backwards`.
    """

    version: Version | None
    destination: Destination
    overwrite: bool = False
    backwards: bool = False
    untested: bool = False
    name: str = "push"

    def plan(self, world: World) -> Change[Publication] | NoChange:
        """Compare what the registry holds under each tag with the image."""
        image = self._verified_image(world)
        try:
            publication = self._publication(world, image)
        except PushRefused:
            world.check_push_permission(self.destination.repository)  # its error is more precise
            raise
        if not publication.missing:
            if unrecorded := self._unrecorded(world, publication):
                digest = publication.published.digest if publication.published else None
                return replace(record_change(join_references(tuple(unrecorded)), digest), found=publication)
            return _unchanged(publication)
        world.check_push_permission(self.destination.repository)
        if publication.published is None:
            self._check_name(world, image, publication.own[0])
            self._check_lost(world, publication)
        return Change(
            would=publication.would,
            done=publication.done,
            before=publication.before,
            results=Results(image=image),
            diff=publication.diff,
            found=publication,
        )

    def explain(self, world: World) -> Explanation:
        """Return the push as docker commands."""
        from seatrial.pipeline.explanation import explained_image
        from seatrial.steps.publish.explain import explain_push

        image = explained_image(world, self.target, self.version)
        return explain_push(self.destination, image, overwrite=self.overwrite)

    def look_again(self, world: World, change: Change[Publication]) -> Change[Publication] | NoChange:
        """Look for the image that was sent: its names in the engine may be another build's by now."""
        before = change.found
        publication = self._publication_after(world, before.image)
        if publication.missing:
            raise Conflict(
                f"{join_references(publication.missing)} was just published by somebody else",
                reason=f"the registry holds {publication.before or 'nothing'} there now",
                hint="find out who else publishes there, then run it again",
            )
        now = _unchanged(publication)
        return replace(now, results=replace(now.results, published=before.moved_to(publication)))

    def apply(self, world: World, change: Change[Publication], emit: Emit) -> None:
        """Push the version's own tag, verify it, then move the others; record in the ledger what is published."""
        publication = change.found
        image = publication.image
        if publication.missing and self._verdict(world, image) is None:
            emit(WarningEvent(text=f"{image.name} is pushed without a passed smoke test (--untested)"))
        unrecorded = self._unrecorded(world, publication)
        results: TagErrors = {}
        manifest: Manifest | None = None
        try:
            first = publication.own[0]
            upload = Upload(
                world=world,
                image=image,
                reference=first,
                overwrite=self.overwrite,
                stall=self.target.push_timeout,
                emit=emit,
            )
            manifest = publication.published or upload.send()
            now = self._publication_after(world, image)  # the push may have taken minutes
            if publication.published is None and not self.overwrite and (theirs := now.rival(publication)):
                upload.give_way(theirs)
            results[first] = None
            for group in (now.own, now.moving):
                if not any(results.values()):
                    missing = [one for one in group if one in now.missing and one != first]
                    retag_all(world, manifest, missing, emit, results)
        except BaseException as error:
            with suppress(SeatrialError):  # the first error matters more
                self._record(world, image, publication, unrecorded, self._pushed(publication, manifest, results))
            publication.emit_tags(manifest, results, emit, lost=isinstance(error, Unavailable))
            raise
        self._record(world, image, publication, unrecorded, self._pushed(publication, manifest, results))
        if failure := partial_failure(manifest, results):
            publication.emit_tags(manifest, results, emit)
            raise failure

    @property
    def publishes(self) -> Publishing:
        """The repository and version that it pushes."""
        return Publishing(
            repository=str(self.destination.repository), version=str(self.version) if self.version else None
        )

    def _verified_image(self, world: World) -> Image:
        """Return the image to push; raise `StepFailed` if its smoke test has not passed, unless `untested` is set."""
        image = world.image_for(self.target, self.version)
        if not self.untested and self._verdict(world, image) is None:
            raise StepFailed(
                f"cannot push {image.name}",
                reason="it has not passed its smoke test",
                hint="invoke smoke push" if self.version is None else f"invoke smoke --version {self.version}",
            )
        return image

    def _verdict(self, world: World, image: Image) -> Verdict | None:
        return world.verified(image, self.target.checks, policy_fingerprint(self.target))

    def _unrecorded(self, world: World, publication: Publication) -> dict[ImageReference, str]:
        """Return the references, with their digests, that are published but not recorded in the ledger.

        A run was killed before it could record them, or another machine pushed them.
        """
        left_out = {*publication.missing, *publication.not_moved}
        published = {one: found.digest for one, found in publication.manifests.items() if found and one not in left_out}
        return {one: digest for one, digest in published.items() if world.ledger.digest(one) != digest}

    def _publication(self, world: World, image: Image) -> Publication:
        options = {"overwrite": self.overwrite, "backwards": self.backwards}
        return Publication.of(world, self.destination, image, **options)

    def _publication_after(self, world: World, image: Image) -> Publication:
        """Return the publication after the push, with the digests that the engine knows now, whatever its names say."""
        return when_settled(world, lambda: self._publication(world, world.engine.image(image.id) or image))

    @staticmethod
    def _pushed(publication: Publication, manifest: Manifest | None, results: TagErrors) -> dict[ImageReference, str]:
        """Return the references, with their digest, that this push published."""
        names = [one for one, error in results.items() if error is None and one in publication.missing]
        return dict.fromkeys(names, manifest.digest) if manifest else {}

    def _record(
        self,
        world: World,
        image: Image,
        publication: Publication,
        unrecorded: dict[ImageReference, str],
        pushed: dict[ImageReference, str],
    ) -> None:
        """Record in the ledger what was pushed, and what was published before but not recorded."""
        if digests := {**unrecorded, **pushed}:
            world.ledger.append(
                entry_for(
                    world,
                    self.destination,
                    version_of(image),
                    action="release" if pushed else "found",
                    image=image.id,
                    labels=image.labels,
                    digests=digests,
                    before=publication.manifests,
                    verdict=self._verdict(world, image),
                    size=image.size,
                )
            )

    def _check_name(self, world: World, image: Image, reference: ImageReference) -> None:
        """Raise an error unless the reference to be pushed is this image's in the engine."""
        found = world.image(reference)
        if found and found.id == image.id:
            return
        inputs = found.labels.get(INPUTS_LABEL) if found else None
        if inputs and world.state.built_by(inputs) is None:
            raise taken(reference, image, found)
        flags = self.destination.flags + (f" --version {self.version}" if self.version else "")
        if found is None:
            reason = f"{reference.familiar} is not tagged in the engine"
        else:
            reason = f"in the engine it points to {found.id}, not to {image.id}, the image to push"
        raise StepFailed(f"cannot push {reference.familiar}", reason=reason, hint=f"invoke tag{flags} push{flags}")

    def _check_lost(self, world: World, publication: Publication) -> None:
        """Raise `Conflict` if the version was released with other content, and the registry has lost that."""
        for one in publication.own:
            known = world.ledger.last(one) if publication.manifests[one] is None and not self.overwrite else None
            if known and known.image != publication.image.id:
                raise Conflict(
                    f"{one.familiar} was released with other content",
                    reason=f"the ledger has {known.digests[str(one.tag)]} of {known.when}, which the registry has lost",
                    hint="--version NEW (or --overwrite)",
                )


def _unchanged(publication: Publication) -> NoChange:
    return NoChange(
        message=publication.state,
        identity=publication.published.digest if publication.published else None,
        results=Results(image=publication.image, published=publication.held),
    )
