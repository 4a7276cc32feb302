"""Several steps in one run of Seatrial, as in a command."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.events import Event
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.pipeline import run_steps
from seatrial.pipeline.report import Report
from seatrial.pipeline.step import Step
from tests.steps.scenario import StepScenario

__all__ = ["go", "released", "statuses"]


class Unwatched:
    """An observer that keeps nothing."""

    def step_started(self, step: Step) -> None:
        """Ignore it."""

    def on_event(self, event: Event) -> None:
        """Ignore it."""

    def step_finished(self, outcome: Outcome) -> None:
        """Ignore it."""


def go(scenario: StepScenario, steps: Sequence[Step], *, check: bool) -> Report:
    """Run the steps in one run of Seatrial."""
    outcomes = run_steps(steps, scenario.world, Unwatched(), check=check)
    return Report(command="release", check=check, outcomes=outcomes)


def statuses(report: Report) -> list[str]:
    """Return the status of each step."""
    return [outcome.status.value for outcome in report.outcomes]


def released(scenario: StepScenario, version: str, reply: str | None = None, *, tested: bool = False) -> str:
    """Release a version, of an app with another reply if one is given, and return the published digest.

    Unless `tested` is set there is no smoke test, which is quicker.
    """
    if reply:
        scenario.set_reply(reply)
    smoke = (scenario.smoke(version),) if tested else ()
    first_steps = (scenario.preflight(version), scenario.build(version), *smoke, scenario.tag(version))
    report = go(scenario, (*first_steps, scenario.push(version, untested=not tested)), check=False)
    assert report.exit_code == 0, report.failure
    return scenario.backend.published(scenario.repository)[version]
