"""smoke: an image passes its checks in a fresh container."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seatrial.checks.image.policy import policy_fingerprint
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import StepFailed
from seatrial.events import CheckResult, Event, FactResult
from seatrial.model.app import checks_digest
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Results
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import PlannedState, World
from seatrial.wording import pluralize

if TYPE_CHECKING:  # most runs find that an earlier verdict counts, and load no checks
    from seatrial.checks.browser.visit import Visit

__all__ = ["Smoke"]


@dataclass(frozen=True, kw_only=True)
class Smoke(AppStep):
    """The image of `version` (None: the image built last) has passed the app's checks.

    Only a verdict of this run counts, or with `reuse` an earlier one, too. With `browser`, the path of a browser, its
    page had no errors in that browser either. With `log`, the app's log is emitted in the end.
    """

    version: Version | None
    reuse: bool = False
    browser: str | None = None
    log: bool = False
    name: str = "smoke"

    def plan(self, world: World) -> Change | NoChange:
        """Look for a verdict on this image and these checks."""
        image = world.image_for(self.target, self.version)
        return replace(self, target=self.target.in_image(image.exposed)).plan_for(image, world)

    def load(self) -> None:
        """Load the checks."""
        import seatrial.checks.image.facts
        import seatrial.steps.smoke.smoke_container  # noqa: F401

    def explain(self, world: World) -> Explanation:
        """Return the smoke test as docker commands, and requests by curl."""
        from seatrial.pipeline.explanation import explained_image
        from seatrial.steps.smoke.explain import explain_smoke

        image = explained_image(world, self.target, self.version)
        return explain_smoke(self.target.in_image(image.exposed), image, world, browser=self.browser is not None)

    def plan_for(self, image: Image, world: World) -> Change | NoChange:
        """Return the plan for this image, on the port that it exposes if the settings name none."""
        verdict = world.verified(image, self.target.checks, policy_fingerprint(self.target))
        visited = self.browser is None or (verdict is not None and verdict.visited)
        if verdict and visited and (self.reuse or verdict.run == world.process.run):
            earlier = " (in an earlier run)" if verdict.run not in ("", world.process.run) else ""
            return NoChange(
                message=f"{verdict.summary}{earlier}",
                identity=self._passed(image),
                results=Results(image=image, verdict=verdict if earlier else None),
            )
        passed = self._passed(image)
        browser = " and open the page in a browser" if self.browser else ""
        return Change(
            would=f"run {pluralize(len(self.target.checks), self._kind)} against {image.name}{browser}",
            before=passed if verdict and visited else None,
            after=passed if verdict and visited else None,
            planned=PlannedState(verified=frozenset({image.id})),
            results=Results(image=image),
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Run the checks and save the verdict, also if they fail."""
        image = world.image_for(self.target, self.version)
        replace(self, target=self.target.in_image(image.exposed)).apply_for(image, world, emit)

    def apply_for(self, image: Image, world: World, emit: Emit) -> None:
        """Carry out the plan for this image."""
        from seatrial.checks.image.facts import enforce_policy, report_read_only_failure
        from seatrial.checks.image.file_scan import FileScan
        from seatrial.steps.smoke.commands import run_commands
        from seatrial.steps.smoke.smoke_container import run_checks_in_container

        checked: list[str] = []

        def on_event(event: Event) -> None:
            if isinstance(event, CheckResult) and (event.problem or not isinstance(event, FactResult)):
                checked.append(str(event))
            emit(event)

        visit = self._visit(world, image, on_event) if self.browser else None

        def save(summary: str, *, passed: bool) -> None:
            verdict = Verdict(
                image=image.id,
                checks=checks_digest(self.target.checks),
                passed=passed,
                run=world.process.run,
                when=datetime.now(UTC).isoformat(timespec="seconds"),
                summary=summary,
                facts=policy_fingerprint(self.target),
                visited=visit is not None and visit.page is not None,
                screenshot=visit.picture if visit else None,
                checked=tuple(checked),
            )
            world.state.save_verdict(verdict)

        try:
            scan = FileScan(world, self.target, image)
            if self.target.serves:
                results = run_checks_in_container(
                    world, self.target, image, on_event, scan=scan, visit=visit, log=self.log
                )
            else:
                results = run_commands(world, self.target, image, on_event, scan=scan)
            facts = enforce_policy(world, self.target, image, scan, on_event)
        except StepFailed as error:
            report_read_only_failure(self.target, error, on_event)
            save(str(error), passed=False)
            raise
        seconds = sum(result.seconds for result in results)
        count = f"{pluralize(len(results), self._kind)} passed in {seconds:.2f} s"
        more = visit.summary if visit else "" if self.target.serves else ", no request was sent"
        summary = f"{image.name}: {count}{more}{facts and f', {facts}'}"
        save(summary, passed=True)

    def _visit(self, world: World, image: Image, emit: Emit) -> Visit:
        from seatrial.checks.browser.visit import Visit
        from seatrial.checks.http.response import Expected

        return Visit(
            program=str(self.browser),
            app=self.target,
            expected=Expected.of(image),
            screenshot=world.state.screenshot(image.id),
            emit=emit,
        )

    @property
    def _kind(self) -> str:
        return "check" if self.target.serves else "command"

    def _passed(self, image: Image) -> str:
        return f"passed {image.id}{' in a browser' if self.browser else ''}"
