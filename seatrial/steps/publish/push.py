"""push: the registry holds the image under its version's tag and under its moving tags."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from seatrial.checks.image.facts import policy_fingerprint
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, PushRefused, SeatrialError, StepFailed, Unavailable
from seatrial.events import BytesSent, Event, Transfer, WarningEvent
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Results
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.step import AppStep, Change, NoChange, Publishing
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination, join_references, version_of
from seatrial.steps.publish.publication import Publication, is_same_image, record_change
from seatrial.steps.publish.retag import TagErrors, entry_for, partial_failure, retag_all
from seatrial.wording import short_digest

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

    def plan(self, world: World) -> Change | NoChange:
        """Compare what the registry holds under each tag with the image."""
        image = self._verified_image(world)
        try:
            publication = self._publication(world, image)
        except PushRefused:
            world.check_push_permission(self.destination.repository)  # its error is more precise
            raise
        if not publication.missing:
            digest = publication.published.digest if publication.published else None
            if unrecorded := self._unrecorded(world, publication):
                return record_change(join_references(tuple(unrecorded)), digest)
            results = Results(image=image, published=publication.held)
            return NoChange(message=publication.state, identity=digest, results=results)
        world.check_push_permission(self.destination.repository)
        if publication.published is None:
            self._check_name(publication.own[0], image, world.image(publication.own[0]))
        return Change(
            would=publication.would,
            done=publication.done,
            before=publication.before,
            results=Results(image=image),
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  every step's signature
        """Push the version's own tag, verify it, then move the others; record in the ledger what is published."""
        image = self._verified_image(world)
        publication = self._publication(world, image)
        if publication.missing and self._verdict(world, image) is None:
            emit(WarningEvent(text=f"{image.name} is pushed without a passed smoke test (--untested)"))
        unrecorded = self._unrecorded(world, publication)
        results: TagErrors = {}
        manifest: Manifest | None = None
        try:
            first = publication.own[0]
            manifest = publication.published or self._send(world, image, first, emit)
            results[first] = None
            now = self._publication(world, world.engine.image(image.id) or image)  # the push may have taken minutes
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
        released = world.ledger.released(str(self.destination.repository))
        left_out = {*publication.missing, *publication.not_moved}
        published = {one: found.digest for one, found in publication.manifests.items() if found and one not in left_out}
        return {one: digest for one, digest in published.items() if released.get(str(one.tag)) != digest}

    def _publication(self, world: World, image: Image) -> Publication:
        options = {"overwrite": self.overwrite, "backwards": self.backwards}
        return Publication.of(world, self.destination, image, **options)

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
                )
            )

    def _send(self, world: World, image: Image, reference: ImageReference, emit: Emit) -> Manifest:
        """Push the image under one reference, with retries, and return the manifest that the registry then holds."""
        registry = world.registry(reference.registry)
        layers: set[str] = set()

        def on_event(event: Event) -> None:
            if isinstance(event, Transfer) and event.text == "Pushed":
                layers.add(event.layer)
            emit(event)

        def attempt() -> Manifest:
            manifest_now = registry.manifest(reference)
            if manifest_now and is_same_image(image, reference, manifest_now):
                return manifest_now  # an earlier try succeeded after all
            if manifest_now and not self.overwrite:
                raise Conflict(
                    f"{reference.familiar} was just published with other content",
                    reason=f"somebody else pushed {manifest_now.digest}",
                    hint="--version NEW (or --overwrite)",
                )
            self._check_name(reference, image, world.engine.image(reference.familiar))
            credential = registry.credential(optional=True)
            try:
                digest = world.engine.push(reference, credential, on_event, stall=self.target.push_timeout)
            except Unavailable:
                # When the connection breaks, only the registry knows whether the push succeeded.
                manifest_now = _manifest_or_none(world, reference)
                if manifest_now and is_same_image(world.engine.image(image.id) or image, reference, manifest_now):
                    return manifest_now
                raise
            manifest_now = registry.manifest(reference)
            image_now = world.engine.image(image.id) or image
            if (
                manifest_now is None
                or not is_same_image(image_now, reference, manifest_now)
                or digest not in (None, manifest_now.digest)
            ):
                pushed = f", but {digest} was pushed" if digest else ""
                found = manifest_now.digest if manifest_now else "nothing"
                raise StepFailed(
                    f"{reference.familiar} was pushed but is not in the registry",
                    reason=f"the registry holds {found} under this tag{pushed}",
                    hint="check whether somebody else pushes there, then run it again",
                    transient=manifest_now is None,  # some registries show a new image only a moment later
                )
            return manifest_now

        manifest = world.retry_policy.call(attempt, emit)
        emit(BytesSent(bytes=_bytes_sent(world, reference, manifest, layers)))
        return manifest

    def _check_name(self, reference: ImageReference, image: Image, found: Image | None) -> None:
        """Raise `StepFailed` unless the reference to be pushed is this image's in the engine."""
        if found is None or found.id != image.id:
            flags = self.destination.flags + (f" --version {self.version}" if self.version else "")
            if found is None:
                reason = f"{reference.familiar} is not tagged in the engine"
            else:
                reason = f"in the engine it points to {found.id}, not to {image.id}, the image to push"
            raise StepFailed(
                f"cannot push {reference.familiar}",
                reason=reason,
                hint=f"invoke tag {flags} push {flags}",
            )


def _manifest_or_none(world: World, reference: ImageReference) -> Manifest | None:
    """Return what the registry holds, or None if that is nothing or unknown."""
    try:
        return world.registry(reference.registry).manifest(reference)
    except SeatrialError:
        return None


def _bytes_sent(world: World, reference: ImageReference, manifest: Manifest, sent: set[str]) -> int:
    """Return the compressed size in bytes of the sent layers, which the engine names by their uncompressed digests."""
    try:
        uncompressed = world.configuration(reference, manifest).layers
    except SeatrialError:
        return 0
    return sum(
        layer.size
        for layer, digest in zip(manifest.layers, uncompressed, strict=False)
        if {short_digest(layer.digest), short_digest(digest)} & sent
    )
