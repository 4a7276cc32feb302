"""smoke: an image answers its checks, in a container of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from seatrial.checks.browser.visit import Visit
from seatrial.checks.http.response import Expected
from seatrial.checks.image.facts import facts_demand, hold_to_facts, tell_of_a_write
from seatrial.engine.model import Image
from seatrial.engine.protocol import Tell
from seatrial.errors import StepFailed
from seatrial.events import Checked, Event, FactSeen
from seatrial.model.app import App, checks_digest
from seatrial.model.version import Version
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.step import Change, Holds
from seatrial.pipeline.world import Foresight, World
from seatrial.steps.smoke.smoke_container import try_out
from seatrial.wording import counted

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
        asked = f"{counted(len(self.target.checks), 'check')}{' and a browser' if self.browser else ''}"
        return Change(
            reason=f"{asked} put to {image.name}",
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

        visit = self._visit(world, image, hear) if self.browser else None

        def keep(summary: str, *, passed: bool) -> None:
            verdict = Verdict(
                image=image.id,
                checks=checks_digest(self.target.checks),
                passed=passed,
                run=world.process.run,
                when=datetime.now(UTC).isoformat(timespec="seconds"),
                summary=summary,
                facts=facts_demand(self.target),
                visited=visit is not None and visit.page is not None,
                screenshot=visit.screenshot if visit else None,
                checked=tuple(checked),
            )
            world.notes.keep_verdict(verdict)

        try:
            results = try_out(world, self.target, image, hear, visit=visit, log=self.log)
            facts = hold_to_facts(world, self.target, image, hear)
        except StepFailed as error:
            tell_of_a_write(self.target, error, hear)
            keep(str(error), passed=False)
            raise
        seconds = sum(result.seconds for result in results)
        count = f"{counted(len(results), 'check')} passed"
        summary = f"{image.name}: {count} in {seconds:.2f} s{visit.summary if visit else ''}{facts and f', {facts}'}"
        keep(summary, passed=True)

    def _visit(self, world: World, image: Image, tell: Tell) -> Visit:
        return Visit(
            program=str(self.browser),
            app=self.target,
            expected=Expected.of(image),
            screenshot=world.notes.screenshot(image.id),
            tell=tell,
        )

    def _passed(self, image: Image) -> str:
        return f"passed {image.id}{' in a browser' if self.browser else ''}"
