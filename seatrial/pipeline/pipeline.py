"""Run steps in their order; stop at the first failure, and return the outcome of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seatrial.errors import SeatrialError
from seatrial.pipeline.converge import converge
from seatrial.pipeline.observer import Observer
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.step import Step
from seatrial.pipeline.world import World

__all__ = ["interrupted_outcomes", "run_steps", "skipped_outcomes"]


def run_steps(
    steps: Sequence[Step], world: World, observer: Observer, *, check: bool
) -> tuple[tuple[Outcome, ...], World]:
    """Carry out one step after the other, until one fails; return all outcomes, and the world behind the last step.

    `observer` sees the outcomes as they come.
    """
    outcomes: list[Outcome] = []
    remaining = iter(steps)
    for step in remaining:
        if reason := step.reason_to_skip(world, outcomes):
            (outcome,) = skipped_outcomes([step], reason)
        else:
            observer.step_started(step)
            outcome, world = converge(step, world, check=check, emit=observer.on_event)
        outcomes.append(outcome)
        observer.step_finished(outcome)
        if outcome.status is Status.FAILED or (outcome.status is Status.UNKNOWN and not step.may_be_unknown):
            break
    for outcome in skipped_outcomes(remaining, _why_skipped(outcomes)):
        outcomes.append(outcome)
        observer.step_finished(outcome)
    return tuple(outcomes), world


def _why_skipped(outcomes: Sequence[Outcome]) -> str:
    last = outcomes[-1] if outcomes else None
    return f"{last.step} {'is unknown' if last.status is Status.UNKNOWN else 'failed'}" if last else ""


def interrupted_outcomes(steps: Sequence[Step], error: SeatrialError, *, seconds: float = 0.0) -> list[Outcome]:
    """Return the outcomes of steps if the first was interrupted after `seconds`: it failed, the others are skipped."""
    if not steps:
        return []
    first = steps[0]
    failed = Outcome(
        step=first.name, app=first.app, status=Status.FAILED, message=error.message, seconds=seconds, error=error
    )
    return [failed, *skipped_outcomes(steps[1:], f"{first.name} failed")]


def skipped_outcomes(steps: Iterable[Step], message: str) -> list[Outcome]:
    """Return the outcomes of steps that never started; `message` says why."""
    return [Outcome(step=step.name, app=step.app, status=Status.SKIPPED, message=message) for step in steps]
