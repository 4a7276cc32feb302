"""The one function that carries a step out: plan, apply, plan again. Check mode is here and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from seatrial.engine.protocol import Emit
from seatrial.errors import DidNotConverge, RegistryUnavailable, SeatrialError
from seatrial.events import BytesSent, Event, FactResult, Info, Retry, Transfer, WarningEvent
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.step import Change, NoChange, Step
from seatrial.pipeline.transfers import TransferSummary
from seatrial.pipeline.world import World

__all__ = ["converge"]

Clock = Callable[[], float]


def converge(
    step: Step, world: World, *, check: bool, emit: Emit, clock: Clock = time.monotonic
) -> tuple[Outcome, World]:
    """Carry a step out; return its outcome, and the world that the next step sees.

    In check mode the change is only planned, and the next step sees the world as it would be. The status is `changed`
    if the identities before and after differ. It is an error if a second plan still wants to change something.
    """
    record = _Record(step=step, emit=emit, clock=clock, began=clock())
    world_seen = replace(world, emit=record.on_event)  # a plan may wait for a registry, too
    try:
        plan = step.plan(world_seen)
        if isinstance(plan, NoChange):
            return record.unchanged(plan), world
        if check:
            return record.planned(plan), world.with_planned(plan.planned)
        step.apply(world_seen, plan, record.on_event)
        now = step.plan(world_seen)
        if isinstance(now, Change):
            raise _did_not_converge(step, now)
    except SeatrialError as error:
        return record.failed(error, check=check), world
    return record.changed(plan, now), world


def _did_not_converge(step: Step, still: Change) -> DidNotConverge:
    return DidNotConverge(
        f"{step.name} did not converge",
        reason=f"after it was carried out, it would still {still.would}" + (f": {still.reason}" * bool(still.reason)),
        hint="check whether somebody else works on the same images, then run it again",
    )


@dataclass(kw_only=True)
class _Record:
    """What a step emits while it runs, and the outcome made of it."""

    step: Step
    emit: Emit
    clock: Clock
    began: float
    attempts: int = 1
    transfers: TransferSummary = field(default_factory=TransferSummary)
    notes: list[str] = field(default_factory=list)

    def on_event(self, event: Event) -> None:
        """Take what the outcome needs of an event, and pass it on."""
        if isinstance(event, Retry):
            self.attempts += 1
        elif isinstance(event, Info | WarningEvent):
            self.notes.append(event.text)
        elif isinstance(event, FactResult) and event.warns:
            self.notes.append(str(event))
        elif isinstance(event, Transfer | BytesSent):
            self.transfers.on_event(event)
        self.emit(event)

    def unchanged(self, plan: NoChange) -> Outcome:
        """Return the outcome of a step that found nothing to do."""
        return self._outcome(Status.OK, plan.message, before=plan.identity, after=plan.identity)

    def planned(self, plan: Change) -> Outcome:
        """Return the outcome in check mode."""
        status = _status(plan.before, plan.after)
        return self._outcome(status, f"would {plan.would}", plan.reason, before=plan.before, after=plan.after)

    def changed(self, plan: Change, now: NoChange) -> Outcome:
        """Return the outcome of a change that was carried out; `now` is what the second plan found."""
        message = (plan.done or now.message) + (f" ({now.detail})" if plan.done and now.detail else "")
        status = _status(plan.before, now.identity)
        return self._outcome(status, message, plan.reason, before=plan.before, after=now.identity)

    def failed(self, error: SeatrialError, *, check: bool) -> Outcome:
        """Return the outcome of an error: unknown if in check mode a registry did not answer, else failed."""
        unknown = check and isinstance(error, RegistryUnavailable)
        return self._outcome(Status.UNKNOWN if unknown else Status.FAILED, error.message, error=error)

    def _outcome(  # noqa: PLR0913  an outcome's fields
        self,
        status: Status,
        message: str,
        reason: str = "",
        *,
        before: str | None = None,
        after: str | None = None,
        error: SeatrialError | None = None,
    ) -> Outcome:
        return Outcome(
            step=self.step.name,
            app=self.step.app,
            status=status,
            message=message,
            reason=reason,
            before=before,
            after=after,
            seconds=self.clock() - self.began,
            attempts=self.attempts,
            moved=self.transfers.summary(),
            sent=self.transfers.sent,
            notes=tuple(self.notes),
            error=error,
        )


def _status(before: str | None, after: str | None) -> Status:
    return Status.OK if before is not None and before == after else Status.CHANGED
