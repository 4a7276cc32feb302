"""Several steps in one run of Seatrial, as a command carries them out."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.pipeline.pipeline import Pipeline, Report
from seatrial.pipeline.step import Step
from tests.steps.stage import Stage

__all__ = ["go", "reason", "released", "statuses"]


def go(stage: Stage, steps: Sequence[Step], *, check: bool) -> Report:
    """Carry the steps out in one run of Seatrial."""
    pipeline = Pipeline(command="release", steps=tuple(steps))
    return pipeline.run(stage.world, check=check, tell=lambda _: None, began=lambda _: None, ended=lambda _: None)


def statuses(report: Report) -> list[str]:
    """Give what became of each step."""
    return [outcome.status.value for outcome in report.outcomes]


def reason(report: Report, step: str) -> str:
    """Give why a step came out as it did."""
    return next(outcome.reason for outcome in report.outcomes if outcome.step == step)


def released(stage: Stage, version: str, mood: str | None = None, *, tested: bool = False) -> str:
    """Release a version, of an app in another mood if one is given; give the digest the registry then holds.

    Unless `tested` it goes out without a smoke test, which is quicker.
    """
    if mood:
        stage.say(mood)
    smoke = (stage.smoke(version),) if tested else ()
    road = (stage.preflight(version), stage.build(version), *smoke, stage.tag(version))
    report = go(stage, (*road, stage.push(version, untested=not tested)), check=False)
    assert report.exit_code == 0, report.failure
    return stage.ground.published(stage.home)[version]
