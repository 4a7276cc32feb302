"""Several steps in one run of Seatrial, as a command carries them out."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.events import Event
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.pipeline import run_steps
from seatrial.pipeline.report import Report
from seatrial.pipeline.step import Step
from tests.steps.scenario import StepScenario

__all__ = ["go", "reason", "released", "statuses"]


class Unwatched:
    """An observer that keeps nothing."""

    def step_started(self, step: Step) -> None:
        """Ignore it."""

    def on_event(self, event: Event) -> None:
        """Ignore it."""

    def step_finished(self, outcome: Outcome) -> None:
        """Ignore it."""


def go(scenario: StepScenario, steps: Sequence[Step], *, check: bool) -> Report:
    """Carry the steps out in one run of Seatrial."""
    outcomes = run_steps(steps, scenario.world, Unwatched(), check=check)
    return Report(command="release", check=check, outcomes=outcomes)


def statuses(report: Report) -> list[str]:
    """Return what became of each step."""
    return [outcome.status.value for outcome in report.outcomes]


def reason(report: Report, step: str) -> str:
    """Return why a step came out as it did."""
    return next(outcome.reason for outcome in report.outcomes if outcome.step == step)


def released(scenario: StepScenario, version: str, reply: str | None = None, *, tested: bool = False) -> str:
    """Release a version, of an app in another mood if one is given; give the digest the registry then holds.

    Unless `tested` it goes out without a smoke test, which is quicker.
    """
    if reply:
        scenario.set_reply(reply)
    smoke = (scenario.smoke(version),) if tested else ()
    seatrial_tasks = (scenario.preflight(version), scenario.build(version), *smoke, scenario.tag(version))
    report = go(scenario, (*seatrial_tasks, scenario.push(version, untested=not tested)), check=False)
    assert report.exit_code == 0, report.failure
    return scenario.backend.published(scenario.repository)[version]
