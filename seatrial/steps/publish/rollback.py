"""rollback: the moving tags point back to a version that is published."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from seatrial.engine.protocol import Tell
from seatrial.errors import Conflict, SeatrialError, StepFailed, UsageError
from seatrial.model.app import UNCOMMITTED_LABEL, VERSION_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Change, Holds
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination, together
from seatrial.steps.publish.publication import own_version, short
from seatrial.steps.publish.retag import Trouble, entry_for, half_way, move

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

    def plan(self, world: World) -> Change | Holds:
        """Compare what registry and ledger hold under the moving tags with the version's digest."""
        manifest, _ = self._published(world)
        held = self._moving(world, manifest)
        wrong, digest = _wrong(held, manifest), manifest.digest
        if not wrong:
            reason = f"the registry holds {self.version}, {short(digest)}, as {together(tuple(held))}"
            if not self._unrecorded(world, held, manifest):
                return Holds(reason=reason, identity=digest)
            return Change(reason=f"{reason}; the ledger does not know that yet", before=digest, after=digest)
        world.admit(self.destination.home)
        first = next((found.digest for one in wrong if (found := held[one])), None)
        start = f"from {short(first)} " if first else ""
        reason = f"moves {together(wrong)} {start}back to {self.version}, {short(digest)}"
        return Change(reason=reason, before=first, after=digest)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Move them, and write it down."""
        manifest, labels = self._published(world)
        held = self._moving(world, manifest)
        ended: Trouble = dict.fromkeys(self._unrecorded(world, held, manifest))
        try:
            move(world, manifest, _wrong(held, manifest), tell, ended)
        except BaseException:
            with suppress(SeatrialError):  # what is under way weighs more
                self._write_down(world, manifest, labels, held, ended)
            raise
        self._write_down(world, manifest, labels, held, ended)
        if error := half_way(manifest, ended):
            raise error

    def _unrecorded(
        self, world: World, held: Mapping[ImageReference, Manifest | None], manifest: Manifest
    ) -> list[ImageReference]:
        """Give the tags that are where they should be, and of which the ledger says something else."""
        released = world.ledger.released(str(self.destination.home))
        there = [one for one, found in held.items() if found and found.digest == manifest.digest]
        return [one for one in there if released.get(str(one.tag)) != manifest.digest]

    def _write_down(
        self,
        world: World,
        manifest: Manifest,
        labels: Mapping[str, str],
        held: Mapping[ImageReference, Manifest | None],
        ended: Trouble,
    ) -> None:
        moved = {one: manifest.digest for one, error in ended.items() if error is None}
        if not moved:
            return
        home, version = str(self.destination.home), str(self.version)
        told = (one.verdict for one in reversed(world.ledger.entries(home)) if one.version == version and one.verdict)
        world.ledger.append(
            entry_for(
                world,
                self.destination,
                self.version,
                action="rollback" if set(_wrong(held, manifest)) & moved.keys() else "found",
                image=manifest.config,
                labels=labels,
                digests=moved,
                before=held,
                verdict=next(told, None),
            )
        )

    @property
    def _own(self) -> ImageReference:
        return self.destination.home.with_tag(self.destination.tags(self.version).own[0])

    def _published(self, world: World) -> tuple[Manifest, Mapping[str, str]]:
        """Give what is published as the version, and its labels; it must be what the ledger says was released."""
        manifest = world.held(self._own)
        if manifest is None:
            raise StepFailed(
                f"{self._own.familiar} is not published",
                why="the registry holds nothing under that name, so nothing can go back to it",
                mend=f"invoke status {self.destination.flags} (shows what is published)",
            )
        released = world.ledger.released(str(self.destination.home)).get(str(self._own.tag))
        if released not in (None, manifest.digest):
            raise Conflict(
                f"{self._own.familiar} is not what was released",
                why=f"the ledger says {released}, the registry holds {manifest.digest}",
                mend="--to ANOTHER, and find out who pushed this one",
            )
        labels = world.configuration(self._own, manifest).labels
        if (label := labels.get(VERSION_LABEL)) not in (None, str(self.version)):
            raise UsageError(
                f"{self._own.familiar} is no version to go back to",
                why=f"there it is a moving tag of version {label}",
                mend=f"--to {label}",
            )
        if UNCOMMITTED_LABEL in labels:
            raise StepFailed(
                f"no tag goes back to {self._own.familiar}",
                why="it was built with uncommitted changes, and such an image moves no tag",
                mend=f"invoke status {self.destination.flags} (shows what is published)",
            )
        return manifest, labels

    def _moving(self, world: World, manifest: Manifest) -> dict[ImageReference, Manifest | None]:
        """Give what the registry holds under each tag that moves with the version."""
        home = self.destination.home
        every = [home.with_tag(tag) for tag in self.destination.tags(self.version).moving]
        held = {one: world.held(one) for one in every}
        held = {
            one: found
            for one, found in held.items()
            if found is None or found.digest == manifest.digest or not own_version(world, self.destination, one, found)
        }
        if not held:
            raise UsageError(
                f"no tag moves with {self.version}",
                why="only a plain release (1.4.2) has tags that move, and a setting tags that names some",
                mend="--to VERSION",
            )
        return held


def _wrong(held: Mapping[ImageReference, Manifest | None], manifest: Manifest) -> list[ImageReference]:
    """Give the tags that hold nothing or something else."""
    return [one for one, found in held.items() if found is None or found.digest != manifest.digest]
