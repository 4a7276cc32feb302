"""smoke: an image answers its checks, in a container of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lading.app import App, checks_digest
from lading.engine import Image, Tell
from lading.errors import StepFailed
from lading.notes import Verdict
from lading.step import Change, Holds
from lading.steps.trial import named, try_out
from lading.version import Version
from lading.world import Foresight, World

__all__ = ["Smoke"]


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """The image of a version (without one: the image built last) has passed the app's checks.

    Only the verdict of this run counts, or with `reuse` an earlier one, too.
    """

    target: App
    version: Version | None
    reuse: bool = False
    name: str = "smoke"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    def plan(self, world: World) -> Change | Holds:
        """Look for a verdict about this image and these checks."""
        image = world.chosen(self.target, self.version)
        verdict = world.proven(image, self.target.checks)
        if verdict and (self.reuse or verdict.run == world.process.run):
            return Holds(reason=verdict.summary, identity=f"passed {image.id}")
        passed = f"passed {image.id}"
        count = len(self.target.checks)
        return Change(
            reason=f"{count} check{'s' if count > 1 else ''} put to {named(image)}",
            before=passed if verdict else None,
            after=passed if verdict else None,
            foresight=Foresight(proven=frozenset({image.id})),
        )

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Try the image out and keep the verdict, also a bad one."""
        image = world.chosen(self.target, self.version)
        try:
            results = try_out(world, self.target, image, tell)
        except StepFailed as error:
            world.notes.keep_verdict(self._verdict(image, world.process.run, passed=False, summary=str(error)))
            raise
        seconds = sum(result.seconds for result in results)
        count = f"{len(results)} check{'s' if len(results) > 1 else ''} passed"
        summary = f"{named(image)}: {count} in {seconds:.2f} s"
        world.notes.keep_verdict(self._verdict(image, world.process.run, passed=True, summary=summary))

    def _verdict(self, image: Image, run: str, *, passed: bool, summary: str) -> Verdict:
        return Verdict(
            image=image.id,
            checks=checks_digest(self.target.checks),
            passed=passed,
            run=run,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            summary=summary,
        )
