"""push: the registry holds the image under its version's tag, and under the tags that move on to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lading.app import BUILDER_LABEL, REVISION_LABEL, App
from lading.engine import Image, Tell
from lading.errors import Conflict, LadingError, StepFailed, Unavailable
from lading.events import Caution, Event, Sent, Transfer
from lading.ledger import Entry
from lading.notes import Verdict
from lading.reference import ImageReference
from lading.registry import Manifest
from lading.step import Change, Holds
from lading.steps.destination import Destination, version_of
from lading.steps.publication import Publication, holds, move
from lading.steps.trial import named
from lading.version import Version
from lading.world import World

__all__ = ["Push"]

_SHORT_ID = 12


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

    def plan(self, world: World) -> Change | Holds:
        """Compare what the registry holds under each name with the image."""
        image = world.chosen(self.target, self.version)
        if not self.untested and self._proven(world, image) is None:
            raise StepFailed(
                f"{named(image)} is not pushed",
                why="it has not passed its smoke test, and only what has is pushed",
                mend="invoke smoke push" if self.version is None else f"invoke smoke --version {self.version}",
            )
        publication = self._publication(world, image)
        if not publication.missing:
            digest = publication.manifest.digest if publication.manifest else None
            if not self._unrecorded(world, publication):
                return Holds(reason=publication.reason, identity=digest)
            reason = f"{publication.reason}; the ledger does not know that yet"
            return Change(reason=reason, before=digest, after=digest)
        world.admit(self.destination.home)
        if publication.manifest is None:
            self._check_name(publication.own[0], image, world.image(publication.own[0]))
        return Change(reason=publication.reason, before=publication.before)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Send the version's own tag, see that it is there, then move the others; write down what is out."""
        image = world.chosen(self.target, self.version)
        publication = self._publication(world, image)
        missing = publication.missing
        if missing and self.untested and self._proven(world, image) is None:
            tell(Caution(text=f"{named(image)} goes out without having passed its smoke test, as --untested says"))
        out = self._unrecorded(world, publication)  # by a run that was killed, or by another machine
        trouble: Mapping[ImageReference, LadingError | None] = {}
        try:
            first = publication.own[0]
            manifest = publication.manifest or self._send(world, image, first, tell)
            rest = [one for one in missing if one != first]
            if first in missing:
                out[first] = manifest
            trouble = move(world, manifest, rest, tell)
            out.update({one: manifest for one, error in trouble.items() if error is None})
        finally:
            if out:
                action = "release" if set(missing) & set(out) else "found"
                world.ledger.append(self._entry(action, world, image, publication, out))
        failed = {one: error for one, error in trouble.items() if error}
        if failed:
            raise _half_way(manifest, failed, out)

    def _unrecorded(self, world: World, publication: Publication) -> dict[ImageReference, Manifest]:
        """Give the names under which the registry holds the image, and the ledger something else or nothing."""
        released = world.ledger.released(str(self.destination.home))
        held = {one: found for one, found in publication.held.items() if found and one not in publication.missing}
        return {
            one: found
            for one, found in held.items()
            if one not in publication.stays and released.get(str(one.tag)) != found.digest
        }

    def _proven(self, world: World, image: Image) -> Verdict | None:
        return world.proven(image, self.target.checks, self.target.facts.demand)

    def _publication(self, world: World, image: Image) -> Publication:
        options = {"overwrite": self.overwrite, "backwards": self.backwards}
        return Publication.of(world, self.destination, image, **options)

    def _send(self, world: World, image: Image, reference: ImageReference, tell: Tell) -> Manifest:
        """Send the image under one name and give what the registry holds then; patiently."""
        registry = world.registry(reference.registry)
        layers: set[str] = set()

        def hear(event: Event) -> None:
            if isinstance(event, Transfer) and event.text == "Pushed":
                layers.add(event.what)
            tell(event)

        def once() -> Manifest:
            held = registry.manifest(reference)
            if held and holds(image, reference, held):
                return held  # what was sent before has arrived after all
            if held and not self.overwrite:
                raise Conflict(
                    f"{reference.familiar} was just published with other content",
                    why=f"somebody else has put {held.digest} there meanwhile",
                    mend="choose a new --version, or say --overwrite",
                )
            self._check_name(reference, image, world.engine.image(reference.familiar))
            credential = registry.credential()
            try:
                digest = world.engine.push(reference, credential, hear, stall=self.target.push_timeout)
            except Unavailable:
                # Where the answer broke off, only the registry knows how it ended.
                held = _held(world, reference)
                if held and holds(world.engine.image(image.id) or image, reference, held):
                    return held
                raise
            held = registry.manifest(reference)
            now = world.engine.image(image.id) or image
            if held is None or not holds(now, reference, held) or digest not in (None, held.digest):
                sent = f", and {digest} was pushed" if digest else ""
                raise StepFailed(
                    f"{reference.familiar} was sent and is not there",
                    why=f"the registry holds {held.digest if held else 'nothing'} under that name{sent}",
                    mend="look whether somebody else pushes there, then run it again",
                )
            return held

        manifest = world.patience.have(once, tell)
        tell(Sent(bytes=_bytes(world, reference, manifest, layers)))
        return manifest

    def _check_name(self, reference: ImageReference, image: Image, found: Image | None) -> None:
        """Make sure that the name that is sent is this image's, and not what somebody tagged meanwhile."""
        if found is None or found.id != image.id:
            raise StepFailed(
                f"{reference.familiar} is not pushed",
                why=f"here it points to {found.id if found else 'nothing'}, not to the image that passed, {image.id}",
                mend=f"invoke tag --user {self.destination.user} push --user {self.destination.user}",
            )

    def _entry(
        self, action: str, world: World, image: Image, publication: Publication, out: Mapping[ImageReference, Manifest]
    ) -> Entry:
        known = {one: held for one in out if one in publication.missing and (held := publication.held[one])}
        return Entry(
            action=action,
            app=self.app,
            repository=str(self.destination.home),
            version=str(version_of(image)),
            image=image.id,
            digests={str(one.tag): held.digest for one, held in out.items()},
            before={str(one.tag): held.digest for one, held in known.items()},
            revision=image.labels.get(REVISION_LABEL),
            builder=image.labels.get(BUILDER_LABEL),
            verdict=Entry.verdict_of(self._proven(world, image)),
            who=world.process.who,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def _held(world: World, reference: ImageReference) -> Manifest | None:
    """Give what the registry holds, or nothing where it does not say."""
    try:
        return world.registry(reference.registry).manifest(reference)
    except LadingError:
        return None


def _bytes(world: World, reference: ImageReference, manifest: Manifest, sent: set[str]) -> int:
    """Give the compressed size of the layers that were sent: the engine calls them by what they were before."""
    try:
        before = world.configuration(reference, manifest).layers
    except LadingError:
        return 0
    names = zip(manifest.layers, before, strict=False)
    short = ({one.digest[7:][:_SHORT_ID], diff[7:][:_SHORT_ID]} for one, diff in names)
    return sum(layer.size for layer, ids in zip(manifest.layers, short, strict=False) if ids & sent)


def _half_way(
    manifest: Manifest,
    failed: Mapping[ImageReference, LadingError],
    out: Mapping[ImageReference, Manifest],
) -> StepFailed:
    first = next(iter(failed.values()))
    count = len(failed)
    details = [f"{one.familiar}: there, {manifest.digest}" for one in out]
    details += [f"{one.familiar}: not moved, {error.why}" for one, error in failed.items()]
    return StepFailed(
        f"{count} tag{'s' if count > 1 else ''} could not be moved",
        why=first.why,
        mend="run it again: only what is missing is sent",
        details=tuple(details),
    )
