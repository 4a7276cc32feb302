"""Run steps in their order; stop at the first failure, and return the outcome of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seatrial.engine.protocol import Emit
from seatrial.errors import SeatrialError
from seatrial.events import BuildEvent, Event
from seatrial.host.background import Task
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
    for number, step in enumerate(remaining, start=1):
        if reason := step.reason_to_skip(world, outcomes):
            (outcome,) = skipped_outcomes([step], reason)
        else:
            observer.step_started(step)
            emit = _loading(steps[number:], observer.on_event)
            outcome, world = converge(step, world, check=check, emit=emit)
        outcomes.append(outcome)
        observer.step_finished(outcome)
        if outcome.status is Status.FAILED or (outcome.status is Status.UNKNOWN and not step.may_be_unknown):
            break
    for outcome in skipped_outcomes(remaining, _why_skipped(outcomes)):
        outcomes.append(outcome)
        observer.step_finished(outcome)
    return tuple(outcomes), world


def _loading(steps: Sequence[Step], emit: Emit) -> Emit:
    """Return an observer of a step's events that has the next steps loaded while the engine builds."""
    begun = not steps

    def load() -> None:
        for step in steps:
            step.load()

    def on_event(event: Event) -> None:
        nonlocal begun
        if not begun and isinstance(event, BuildEvent):
            begun = True
            Task(load)  # what goes wrong there is told when it is used
        emit(event)

    return emit if begun else on_event


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
