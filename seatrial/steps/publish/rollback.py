"""rollback: the moving tags point back to a published version."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, NotAnImage, SeatrialError, StepFailed, UsageError
from seatrial.model.app import UNCOMMITTED_LABEL, VERSION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Difference, Results
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange, Publishing
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination, join_references
from seatrial.steps.publish.explain import explain_rollback
from seatrial.steps.publish.publication import (
    is_own_version,
    moved_name,
    published_version,
    record_change,
)
from seatrial.steps.publish.retag import TagErrors, entry_for, partial_failure, retag_all
from seatrial.wording import prefixed_digest

__all__ = ["Rollback"]

_Found = tuple[Manifest, Mapping[str, str], dict[ImageReference, Manifest | None]]


@dataclass(frozen=True, kw_only=True)
class Rollback(AppStep):
    """In the registry, a version's moving tags point to its digest; nothing is built or pushed."""

    version: Version
    destination: Destination
    name: str = "rollback"

    def plan(self, world: World) -> Change[_Found] | NoChange:
        """Compare the moving tags, in the registry and in the ledger, with the version's digest."""
        manifest, labels = self._published(world)
        manifests = self._moving(world, manifest)
        found = manifest, labels, manifests
        wrong, digest = _wrong(manifests, manifest), manifest.digest
        if not wrong:
            if unrecorded := self._unrecorded(world, manifests, manifest):
                return replace(record_change(join_references(unrecorded), digest), found=found)
            verb = "is" if len(manifests) == 1 else "are"
            tags = tuple(moved_name(one, digest, manifest, {}) for one in (self._own, *manifests))
            message = f"{join_references(tuple(manifests))} {verb} at {self.version}"
            return NoChange(message=message, identity=digest, results=Results(published=tags))
        world.check_push_permission(self.destination.repository)
        groups: dict[str, list[ImageReference]] = {}
        for one in wrong:
            groups.setdefault(held.digest if (held := manifests[one]) else "", []).append(one)
        named: list[str] = []
        for references in groups.values():
            held = manifests[references[0]]
            start = f" from {published_version(world, references[0], held)}" if held else ""
            named.append(f"{join_references(references, short=bool(named))}{start}")
        where = f"{', '.join(named)} back to {self.version}"
        before = next((held.digest for one in wrong if (held := manifests[one])), None)
        diff = tuple(self._difference(world, one, manifests[one], manifest) for one in wrong)
        return Change(would=f"move {where}", done=f"moved {where}", before=before, after=digest, diff=diff, found=found)

    def explain(self, world: World) -> Explanation:
        """Return the way back as docker commands."""
        moving = tuple(self.destination.repository.with_tag(tag) for tag in self.destination.tags(self.version).moving)
        return explain_rollback(self._own, moving)

    def look_again(self, world: World, change: Change[_Found]) -> Change[_Found] | NoChange:
        """Compare again, and say for each tag where it was before."""
        now = self.plan(world)
        if isinstance(now, Change):
            return now
        manifest, _, manifests = change.found
        moved = {one: manifests[one] for one in _wrong(manifests, manifest)}
        versions = {found.digest: published_version(world, one, found) for one, found in moved.items() if found}
        known = {str(one): found for one, found in moved.items()}
        tags = tuple(
            moved_name(one.reference, one.digest, known[one.reference], versions) if one.reference in known else one
            for one in now.results.published
        )
        return replace(now, results=replace(now.results, published=tags))

    @property
    def publishes(self) -> Publishing:
        """The repository and version that it publishes."""
        return Publishing(repository=str(self.destination.repository), version=str(self.version))

    def apply(self, world: World, change: Change[_Found], emit: Emit) -> None:
        """Move the tags, and record it in the ledger."""
        manifest, labels, manifests = change.found
        results: TagErrors = dict.fromkeys(self._unrecorded(world, manifests, manifest))
        try:
            retag_all(world, manifest, _wrong(manifests, manifest), emit, results)
        except BaseException:
            with suppress(SeatrialError):  # the first error matters more
                self._record(world, manifest, labels, manifests, results)
            raise
        self._record(world, manifest, labels, manifests, results)
        if error := partial_failure(manifest, results):
            raise error

    def _unrecorded(
        self, world: World, manifests: Mapping[ImageReference, Manifest | None], manifest: Manifest
    ) -> list[ImageReference]:
        """Return the tags that already point to the manifest but are not recorded so in the ledger."""
        in_place = [one for one, found in manifests.items() if found and found.digest == manifest.digest]
        return [one for one in in_place if world.ledger.digest(one) != manifest.digest]

    def _record(
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
            one.verdict for one in world.ledger.newest_first(repository) if one.version == version and one.verdict
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

    def _difference(
        self, world: World, reference: ImageReference, held: Manifest | None, manifest: Manifest
    ) -> Difference:
        before = f"{published_version(world, reference, held)} ({prefixed_digest(held.digest)})" if held else None
        after = f"{self.version} ({prefixed_digest(manifest.digest)})"
        return Difference(name=reference.familiar, before=before, after=after)

    @property
    def _own(self) -> ImageReference:
        return self.destination.repository.with_tag(self.destination.tags(self.version).own[0])

    def _published(self, world: World) -> tuple[Manifest, Mapping[str, str]]:
        """Return the version's manifest and labels; raise an error if the tags cannot go back to it."""
        message = f"cannot roll back to {self.version}"
        manifest = world.published_manifest(self._own)
        if manifest is None:
            raise StepFailed(
                message,
                reason=f"{self._own.familiar} is not published",
                hint=f"invoke status{self.destination.flags} (shows what is published)",
            )
        released = world.ledger.digest(self._own)
        if released not in (None, manifest.digest):
            raise Conflict(
                message,
                reason=f"{self._own.familiar} has changed since its release: the ledger says {released}, "
                f"the registry holds {manifest.digest}",
                hint="--to VERSION (and find out who pushed this one)",
            )
        try:
            labels = world.configuration(self._own, manifest).labels
        except NotAnImage as error:
            raise Conflict(message, reason=f"{self._own.familiar} is {error.kind}", hint="--to VERSION") from error
        if (label := labels.get(VERSION_LABEL)) not in (None, str(self.version)):
            raise UsageError(
                message,
                reason=f":{self._own.tag} is a moving tag, now at {label}",
                hint=f"--to {label}",
            )
        if UNCOMMITTED_LABEL in labels:
            raise StepFailed(
                message,
                reason="it was built with uncommitted changes, and such an image has no moving tags",
                hint=f"invoke status{self.destination.flags} (shows what is published)",
            )
        return manifest, labels

    def _moving(self, world: World, manifest: Manifest) -> dict[ImageReference, Manifest | None]:
        """Return what the registry holds under each of the version's moving tags."""
        repository = self.destination.repository
        references = [repository.with_tag(tag) for tag in self.destination.tags(self.version).moving]
        manifests = {one: world.published_manifest(one) for one in references}
        manifests = {
            one: found
            for one, found in manifests.items()
            if found is None
            or found.digest == manifest.digest
            or not is_own_version(world, self.destination, one, found)
        }
        if not manifests:
            raise UsageError(
                f"cannot roll back to {self.version}",
                reason="it has no moving tags: only a plain release such as 1.4.2 has those of the setting tags",
                hint="--to VERSION",
            )
        return manifests


def _wrong(manifests: Mapping[ImageReference, Manifest | None], manifest: Manifest) -> list[ImageReference]:
    """Return the tags that do not point to the manifest."""
    return [one for one, found in manifests.items() if found is None or found.digest != manifest.digest]
