"""rollback: the moving tags point back to a version that is published."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, SeatrialError, StepFailed, UsageError
from seatrial.model.app import UNCOMMITTED_LABEL, VERSION_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Change, NoChange
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination, together
from seatrial.steps.publish.publication import is_own_version, published_version, record_change
from seatrial.steps.publish.retag import TagErrors, entry_for, partial_failure, retag_all

__all__ = ["Rollback"]


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """In the registry, the tags that move with a version point to that version's digest; nothing is built or sent."""

    target: App
    version: Version
    destination: Destination
    name: str = "rollback"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    def plan(self, world: World) -> Change | NoChange:
        """Compare what registry and ledger hold under the moving tags with the version's digest."""
        manifest, _ = self._published(world)
        manifests = self._moving(world, manifest)
        wrong, digest = _wrong(manifests, manifest), manifest.digest
        if not wrong:
            tags = together(tuple(manifests))
            if self._unrecorded(world, manifests, manifest):
                return record_change(tags, digest)
            return NoChange(message=f"{tags} already at {self.version}", identity=digest)
        world.check_push_permission(self.destination.repository)
        before: str | None = None
        start = ""
        first = next(((one, found) for one in wrong if (found := manifests[one])), None)
        if first:
            before, start = first[1].digest, f" from {published_version(world, *first)}"
        where = f"{together(wrong)}{start} back to {self.version}"
        return Change(would=f"move {where}", done=f"moved {where}", before=before, after=digest)

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  every step's signature
        """Move them, and write it down."""
        manifest, labels = self._published(world)
        manifests = self._moving(world, manifest)
        results: TagErrors = dict.fromkeys(self._unrecorded(world, manifests, manifest))
        try:
            retag_all(world, manifest, _wrong(manifests, manifest), emit, results)
        except BaseException:
            with suppress(SeatrialError):  # what is under way weighs more
                self._write_down(world, manifest, labels, manifests, results)
            raise
        self._write_down(world, manifest, labels, manifests, results)
        if error := partial_failure(manifest, results):
            raise error

    def _unrecorded(
        self, world: World, manifests: Mapping[ImageReference, Manifest | None], manifest: Manifest
    ) -> list[ImageReference]:
        """Return the tags that are where they should be, and of which the ledger says something else."""
        released = world.ledger.released(str(self.destination.repository))
        in_place = [one for one, found in manifests.items() if found and found.digest == manifest.digest]
        return [one for one in in_place if released.get(str(one.tag)) != manifest.digest]

    def _write_down(
        self,
        world: World,
        manifest: Manifest,
        labels: Mapping[str, str],
        manifests: Mapping[ImageReference, Manifest | None],
        results: TagErrors,
    ) -> None:
        moved = {one: manifest.digest for one, error in results.items() if error is None}
        if not moved:
            return
        repository, version = str(self.destination.repository), str(self.version)
        verdicts = (
            one.verdict for one in reversed(world.ledger.entries(repository)) if one.version == version and one.verdict
        )
        world.ledger.append(
            entry_for(
                world,
                self.destination,
                self.version,
                action="rollback" if set(_wrong(manifests, manifest)) & moved.keys() else "found",
                image=manifest.config,
                labels=labels,
                digests=moved,
                before=manifests,
                verdict=next(verdicts, None),
            )
        )

    @property
    def _own(self) -> ImageReference:
        return self.destination.repository.with_tag(self.destination.tags(self.version).own[0])

    def _published(self, world: World) -> tuple[Manifest, Mapping[str, str]]:
        """Return what is published as the version, and its labels; it must be what the ledger says was released."""
        manifest = world.published_manifest(self._own)
        if manifest is None:
            raise StepFailed(
                f"{self._own.familiar} is not published",
                reason="the registry holds nothing under that name, so nothing can go back to it",
                hint=f"invoke status {self.destination.flags} (shows what is published)",
            )
        released = world.ledger.released(str(self.destination.repository)).get(str(self._own.tag))
        if released not in (None, manifest.digest):
            raise Conflict(
                f"{self._own.familiar} is not what was released",
                reason=f"the ledger says {released}, the registry holds {manifest.digest}",
                hint="--to ANOTHER, and find out who pushed this one",
            )
        labels = world.configuration(self._own, manifest).labels
        if (label := labels.get(VERSION_LABEL)) not in (None, str(self.version)):
            raise UsageError(
                f"{self._own.familiar} is no version to go back to",
                reason=f"there it is a moving tag of version {label}",
                hint=f"--to {label}",
            )
        if UNCOMMITTED_LABEL in labels:
            raise StepFailed(
                f"no tag goes back to {self._own.familiar}",
                reason="it was built with uncommitted changes, and such an image moves no tag",
                hint=f"invoke status {self.destination.flags} (shows what is published)",
            )
        return manifest, labels

    def _moving(self, world: World, manifest: Manifest) -> dict[ImageReference, Manifest | None]:
        """Return what the registry holds under each tag that moves with the version."""
        repository = self.destination.repository
        every = [repository.with_tag(tag) for tag in self.destination.tags(self.version).moving]
        manifests = {one: world.published_manifest(one) for one in every}
        manifests = {
            one: found
            for one, found in manifests.items()
            if found is None
            or found.digest == manifest.digest
            or not is_own_version(world, self.destination, one, found)
        }
        if not manifests:
            raise UsageError(
                f"no tag moves with {self.version}",
                reason="only a plain release (1.4.2) has tags that move, and a setting tags that names some",
                hint="--to VERSION",
            )
        return manifests


def _wrong(manifests: Mapping[ImageReference, Manifest | None], manifest: Manifest) -> list[ImageReference]:
    """Return the tags that hold nothing or something else."""
    return [one for one, found in manifests.items() if found is None or found.digest != manifest.digest]
