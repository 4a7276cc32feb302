"""Steps in order: stop at the first failure, say what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from seatrial.engine.model import EngineInfo
from seatrial.engine.protocol import Emit
from seatrial.errors import SeatrialError
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.step import Step
from seatrial.pipeline.world import World

__all__ = ["Pipeline", "Published", "Report", "cut_short", "skipped", "worst"]

_MAY_BE_UNKNOWN = ("preflight",)
"""Steps without whose outcome check mode can go on: what is behind them does not build on it."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A name in a registry and the digest the registry gives for it; None when it holds none."""

    reference: str
    digest: str | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of a command: all its outcomes, the image it was about and who built it, and where `run` serves it.

    `image_id` and `builder` are None when there is no image, or nobody knows who built it; `screenshot` is the path of
    the picture that a browser took of its page.
    """

    command: str
    check: bool
    outcomes: tuple[Outcome, ...] = ()
    engine: EngineInfo | None = None
    image_id: str | None = None
    builder: str | None = None
    published: tuple[Published, ...] = ()
    address: str | None = None
    screenshot: str | None = None
    error: SeatrialError | None = None

    @property
    def status(self) -> Status:
        """The worst status among the steps: `failed`, then `unknown`, `changed`, `ok`."""
        return Status.FAILED if self.error else worst(self.outcomes)

    @property
    def failure(self) -> SeatrialError | None:
        """The error the command ends with, or nothing."""
        failed = sorted((one for one in self.outcomes if one.error), key=lambda one: one.status is not Status.FAILED)
        return self.error or next((one.error for one in failed), None)

    @property
    def exit_code(self) -> int:
        """The exit code the command ends with."""
        return self.failure.exit_code if self.failure else 0


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The steps of one command."""

    command: str
    steps: tuple[Step, ...]

    def run(
        self,
        world: World,
        *,
        check: bool,
        emit: Emit,
        step_started: Callable[[Step], None],
        step_finished: Callable[[Outcome], None],
    ) -> Report:
        """Carry the steps out and give the report; `step_started` and `step_finished` hear of each step as it comes."""
        outcomes: list[Outcome] = []
        steps = iter(self.steps)
        for step in steps:
            step_started(step)
            outcome, world = converge(step, world, check=check, emit=emit)
            outcomes.append(outcome)
            step_finished(outcome)
            if outcome.status is Status.FAILED or (
                outcome.status is Status.UNKNOWN and step.name not in _MAY_BE_UNKNOWN
            ):
                break
        for outcome in skipped(steps, _why_skipped(outcomes)):
            outcomes.append(outcome)
            step_finished(outcome)
        return Report(command=self.command, check=check, outcomes=tuple(outcomes))


def _why_skipped(outcomes: Sequence[Outcome]) -> str:
    last = outcomes[-1] if outcomes else None
    return f"{last.step} {'is unknown' if last.status is Status.UNKNOWN else 'failed'}" if last else ""


def worst(outcomes: Iterable[Outcome]) -> Status:
    """Return the status of a whole run."""
    found = {outcome.status for outcome in outcomes}
    return next((status for status in (Status.FAILED, Status.UNKNOWN, Status.CHANGED) if status in found), Status.OK)


def cut_short(steps: Sequence[Step], error: SeatrialError) -> list[Outcome]:
    """Return the outcomes of steps whose first one was cut short: it failed, the rest is skipped."""
    if not steps:
        return []
    first = steps[0]
    failed = Outcome(step=first.name, app=first.app, status=Status.FAILED, message=error.message, error=error)
    return [failed, *skipped(steps[1:], f"{first.name} failed")]


def skipped(steps: Iterable[Step], reason: str) -> list[Outcome]:
    """Return the outcomes of steps that were not even begun."""
    return [Outcome(step=step.name, app=step.app, status=Status.SKIPPED, message=reason) for step in steps]
