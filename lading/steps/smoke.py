"""smoke: an image answers its checks, in a container of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lading.app import VERSION_LABEL, App, checks_digest
from lading.browser.visit import Visit
from lading.engine import Image, Tell
from lading.errors import StepFailed
from lading.events import Checked, Event, FactSeen
from lading.image.facts import facts_demand, hold_to_facts, tell_of_a_write
from lading.notes import Verdict
from lading.step import Change, Holds
from lading.steps.trial import named, try_out
from lading.version import UNVERSIONED, Version
from lading.world import Foresight, World

__all__ = ["Smoke"]


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """The image of a version (without one: the image built last) has passed the app's checks.

    Only the verdict of this run counts, or with `reuse` an earlier one, too. With `browser`, the program of one, a
    browser has opened its page and found nothing wrong. With `log`, what the app wrote is told in the end.
    """

    target: App
    version: Version | None
    reuse: bool = False
    browser: str | None = None
    log: bool = False
    name: str = "smoke"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    def plan(self, world: World) -> Change | Holds:
        """Look for a verdict about this image and these checks."""
        image = world.chosen(self.target, self.version)
        verdict = world.proven(image, self.target.checks, facts_demand(self.target))
        visited = self.browser is None or (verdict is not None and verdict.visited)
        if verdict and visited and (self.reuse or verdict.run == world.process.run):
            return Holds(reason=verdict.summary, identity=self._passed(image))
        passed = self._passed(image)
        count = len(self.target.checks)
        asked = f"{count} check{'s' if count > 1 else ''}{' and a browser' if self.browser else ''}"
        return Change(
            reason=f"{asked} put to {named(image)}",
            before=passed if verdict and visited else None,
            after=passed if verdict and visited else None,
            foresight=Foresight(proven=frozenset({image.id})),
        )

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Try the image out and keep the verdict, also a bad one."""
        image = world.chosen(self.target, self.version)
        checked: list[str] = []

        def hear(event: Event) -> None:
            if isinstance(event, Checked) and (event.problem or not isinstance(event, FactSeen)):
                checked.append(str(event))
            tell(event)

        shot = world.notes.screenshot(image.id)
        visit = None
        if self.browser:
            version = image.labels.get(VERSION_LABEL, UNVERSIONED)
            visit = Visit(program=self.browser, app=self.target, version=version, screenshot=shot, tell=hear)
        try:
            results = try_out(world, self.target, image, hear, visit=visit, log=self.log)
            facts = hold_to_facts(world, self.target, image, hear)
        except StepFailed as error:
            tell_of_a_write(self.target, error, hear)
            verdict = self._verdict(image, world.process.run, passed=False, summary=str(error), visit=visit)
            world.notes.keep_verdict(replace(verdict, checked=tuple(checked)))
            raise
        seconds = sum(result.seconds for result in results)
        count = f"{len(results)} check{'s' if len(results) > 1 else ''} passed"
        summary = f"{named(image)}: {count} in {seconds:.2f} s{visit.summary if visit else ''}{facts and f', {facts}'}"
        verdict = self._verdict(image, world.process.run, passed=True, summary=summary, visit=visit)
        world.notes.keep_verdict(replace(verdict, checked=tuple(checked)))

    def _passed(self, image: Image) -> str:
        return f"passed {image.id}{' in a browser' if self.browser else ''}"

    def _verdict(self, image: Image, run: str, *, passed: bool, summary: str, visit: Visit | None) -> Verdict:
        return Verdict(
            image=image.id,
            checks=checks_digest(self.target.checks),
            passed=passed,
            run=run,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            summary=summary,
            facts=facts_demand(self.target),
            visited=visit is not None and visit.page is not None,
            screenshot=visit.screenshot if visit else None,
        )
