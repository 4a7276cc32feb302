"""push: the registry holds the image under its version's tag, and under the tags that move on to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from seatrial.checks.image.facts import policy_fingerprint
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, PushRefused, SeatrialError, StepFailed, Unavailable
from seatrial.events import BytesSent, Event, Transfer, WarningEvent
from seatrial.model.app import App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.step import Change, NoChange
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination, together, version_of
from seatrial.steps.publish.publication import Publication, is_same_image, record_change
from seatrial.steps.publish.retag import TagErrors, entry_for, partial_failure, retag_all
from seatrial.wording import short_digest

__all__ = ["Push"]


@dataclass(frozen=True, kw_only=True)
class Push:
    """The registry gives back, for every name of the image, the digest of this very image.

    Only an image that passed its checks is sent, unless `untested`. The version's own tag goes first; it is never put
    over other content unless `overwrite`. Then the moving tags follow, never back to an older version unless
    `backwards`.
    """

    target: App
    version: Version | None
    destination: Destination
    overwrite: bool = False
    backwards: bool = False
    untested: bool = False
    name: str = "push"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    def plan(self, world: World) -> Change | NoChange:
        """Compare what the registry holds under each name with the image."""
        image = self._verified_image(world)
        try:
            publication = self._publication(world, image)
        except PushRefused:
            world.check_push_permission(self.destination.repository)  # which tells better who may not push where
            raise
        if not publication.missing:
            digest = publication.published.digest if publication.published else None
            if not self._unrecorded(world, publication):
                return NoChange(message=publication.state, identity=digest)
            return record_change(together(publication.own), digest)
        world.check_push_permission(self.destination.repository)
        if publication.published is None:
            self._check_name(publication.own[0], image, world.image(publication.own[0]))
        return Change(would=publication.would, done=publication.done, before=publication.before)

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  every step's signature
        """Send the version's own tag, see that it is there, then move the others; write down what is out."""
        image = self._verified_image(world)
        publication = self._publication(world, image)
        if publication.missing and self._verdict(world, image) is None:
            emit(WarningEvent(text=f"{image.name} goes out without having passed its smoke test, as --untested says"))
        unrecorded: dict[ImageReference, str] = self._unrecorded(world, publication)
        results: TagErrors = {}
        manifest: Manifest | None = None
        try:
            first = publication.own[0]
            manifest = publication.published or self._send(world, image, first, emit)
            results[first] = None
            now = self._publication(world, world.engine.image(image.id) or image)  # sending may have taken long
            for some in (now.own, now.moving):
                if not any(results.values()):
                    retag_all(
                        world, manifest, [one for one in some if one in now.missing and one != first], emit, results
                    )
        except BaseException:
            with suppress(SeatrialError):  # what is under way weighs more
                self._write_down(world, image, publication, unrecorded, self._moved(publication, manifest, results))
            raise
        self._write_down(world, image, publication, unrecorded, self._moved(publication, manifest, results))
        if error := partial_failure(manifest, results):
            raise error

    def _verified_image(self, world: World) -> Image:
        """Return the image that is meant; `StepFailed` when it has not passed its smoke test, unless that is waived."""
        image = world.chosen(self.target, self.version)
        if not self.untested and self._verdict(world, image) is None:
            raise StepFailed(
                f"{image.name} is not pushed",
                reason="it has not passed its smoke test, and only what has is pushed",
                hint="invoke smoke push" if self.version is None else f"invoke smoke --version {self.version}",
            )
        return image

    def _verdict(self, world: World, image: Image) -> Verdict | None:
        return world.verified(image, self.target.checks, policy_fingerprint(self.target))

    def _unrecorded(self, world: World, publication: Publication) -> dict[ImageReference, str]:
        """Return the names, with their digests, that hold the image in the registry and something else in the ledger.

        A run that was killed left them, or another machine put them there.
        """
        released = world.ledger.released(str(self.destination.repository))
        left_out = {*publication.missing, *publication.not_moved}
        manifest_now = {
            one: found.digest for one, found in publication.manifests.items() if found and one not in left_out
        }
        return {one: digest for one, digest in manifest_now.items() if released.get(str(one.tag)) != digest}

    def _publication(self, world: World, image: Image) -> Publication:
        options = {"overwrite": self.overwrite, "backwards": self.backwards}
        return Publication.of(world, self.destination, image, **options)

    @staticmethod
    def _moved(publication: Publication, manifest: Manifest | None, results: TagErrors) -> dict[ImageReference, str]:
        """Return the names, with their digest, that are out now and were not before."""
        names = [one for one, error in results.items() if error is None and one in publication.missing]
        return dict.fromkeys(names, manifest.digest) if manifest else {}

    def _write_down(
        self,
        world: World,
        image: Image,
        publication: Publication,
        known: dict[ImageReference, str],
        moved: dict[ImageReference, str],
    ) -> None:
        """Write down what is out now, and what was out and nobody had written down."""
        if digests := {**known, **moved}:
            world.ledger.append(
                entry_for(
                    world,
                    self.destination,
                    version_of(image),
                    action="release" if moved else "found",
                    image=image.id,
                    labels=image.labels,
                    digests=digests,
                    before=publication.manifests,
                    verdict=self._verdict(world, image),
                )
            )

    def _send(self, world: World, image: Image, reference: ImageReference, emit: Emit) -> Manifest:
        """Send the image under one name and give what the registry holds then; patiently."""
        registry = world.registry(reference.registry)
        layers: set[str] = set()

        def on_event(event: Event) -> None:
            if isinstance(event, Transfer) and event.text == "Pushed":
                layers.add(event.layer)
            emit(event)

        def once() -> Manifest:
            manifest_now = registry.manifest(reference)
            if manifest_now and is_same_image(image, reference, manifest_now):
                return manifest_now  # what was sent before has arrived after all
            if manifest_now and not self.overwrite:
                raise Conflict(
                    f"{reference.familiar} was just published with other content",
                    reason=f"somebody else has put {manifest_now.digest} there meanwhile",
                    hint="--version NEW (or --overwrite)",
                )
            self._check_name(reference, image, world.engine.image(reference.familiar))
            credential = registry.credential()
            try:
                digest = world.engine.push(reference, credential, on_event, stall=self.target.push_timeout)
            except Unavailable:
                # Where the answer broke off, only the registry knows how it ended.
                manifest_now = _manifest_or_none(world, reference)
                if manifest_now and is_same_image(world.engine.image(image.id) or image, reference, manifest_now):
                    return manifest_now
                raise
            manifest_now = registry.manifest(reference)
            now = world.engine.image(image.id) or image
            if (
                manifest_now is None
                or not is_same_image(now, reference, manifest_now)
                or digest not in (None, manifest_now.digest)
            ):
                sent = f", and {digest} was pushed" if digest else ""
                there = manifest_now.digest if manifest_now else "nothing"
                gone = StepFailed(
                    f"{reference.familiar} was sent and is not there",
                    reason=f"the registry holds {there} under that name{sent}",
                    hint="look whether somebody else pushes there, then run it again",
                )
                gone.transient = manifest_now is None  # some registries show a moment later what they took
                raise gone
            return manifest_now

        manifest = world.retry_policy.call(once, emit)
        emit(BytesSent(bytes=_bytes(world, reference, manifest, layers)))
        return manifest

    def _check_name(self, reference: ImageReference, image: Image, found: Image | None) -> None:
        """Make sure that the name that is sent is this image's, and not what somebody tagged meanwhile."""
        if found is None or found.id != image.id:
            flags = self.destination.flags + (f" --version {self.version}" if self.version else "")
            there = found.id if found else "nothing"
            raise StepFailed(
                f"{reference.familiar} is not pushed",
                reason=f"here it points to {there}, not to the image that passed, {image.id}",
                hint=f"invoke tag {flags} push {flags}",
            )


def _manifest_or_none(world: World, reference: ImageReference) -> Manifest | None:
    """Return what the registry holds, or None where it does not say."""
    try:
        return world.registry(reference.registry).manifest(reference)
    except SeatrialError:
        return None


def _bytes(world: World, reference: ImageReference, manifest: Manifest, sent: set[str]) -> int:
    """Return the compressed size of the layers that were sent: the engine calls them by what they were before."""
    try:
        before = world.configuration(reference, manifest).layers
    except SeatrialError:
        return 0
    names = zip(manifest.layers, before, strict=False)
    short = ({short_digest(one.digest), short_digest(diff)} for one, diff in names)
    return sum(layer.size for layer, ids in zip(manifest.layers, short, strict=False) if ids & sent)
