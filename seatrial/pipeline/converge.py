"""Carry a step out: plan, apply, plan again; in check mode, only plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct, field
from msgspec.structs import replace

from seatrial.engine.protocol import Emit
from seatrial.errors import DidNotConverge, RegistryUnavailable, SeatrialError
from seatrial.events import (
    AppLog,
    BuildEvent,
    BuildLogSaved,
    BytesSent,
    CheckResult,
    Event,
    Info,
    Progress,
    Retry,
    ScreenshotSaved,
    TagPublished,
    Transfer,
    WarningEvent,
)
from seatrial.host.shortage import shortage_behind
from seatrial.pipeline.outcome import Outcome, Results, Status
from seatrial.pipeline.state import StateFolder
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
    record = _Record(step=step, emit=emit, clock=clock, start=clock(), state=world.state)
    world_seen = replace(world, emit=record.on_event)  # a plan may retry requests to a registry, too
    plan: Change | NoChange | None = None
    try:
        plan = step.plan(world_seen)
        if isinstance(plan, NoChange):
            return record.unchanged(plan), world
        if check:
            return replace(record.planned(plan), had_work=True), world.with_planned(plan.planned)
        now = _carried_out(step, plan, world_seen)
        if isinstance(now, Change):
            raise _did_not_converge(step, now)
    except SeatrialError as error:
        return record.failed(shortage_behind(error), plan, check=check), world
    return replace(record.changed(plan, now), had_work=True), world


def _carried_out(step: Step, plan: Change, world: World) -> Change | NoChange:
    """Carry a change out, and return what is still to be done; nothing that was known before counts any more."""
    unknown = replace(world, answers=None)
    try:
        step.apply(unknown, plan, world.emit)
        return step.look_again(unknown, plan)
    finally:
        if world.answers:
            world.answers.forget()


def _did_not_converge(step: Step, still: Change) -> DidNotConverge:
    return DidNotConverge(
        f"{step.name} did not converge",
        reason=f"after it was carried out, it would still {still.would}" + (f": {still.reason}" * bool(still.reason)),
        hint="check whether somebody else works on the same images, then run it again",
    )


class _Record(Struct, kw_only=True):
    """What a step emits while it runs, and the outcome made of it."""

    step: Step
    emit: Emit
    clock: Clock
    start: float
    state: StateFolder
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempts: int = 1
    transfers: TransferSummary = field(default_factory=TransferSummary)
    notes: list[str] = []
    progress: str = ""
    warnings: list[str] = []
    checks: list[CheckResult] = []
    published: list[TagPublished] = []
    log: list[str] = []
    screenshot: str | None = None
    build_log: str | None = None

    def on_event(self, event: Event) -> None:  # noqa: C901  one case for each kind
        """Record what the outcome needs from an event, and pass the event on."""
        match event:
            case BuildEvent():  # the first, because a build may have millions
                pass
            case Retry():
                self.attempts += 1
            case Info():
                self.notes.append(event.text)
            case Progress():
                self.progress = event.text
            case WarningEvent():
                self.notes.append(event.text)
                self.warnings.append(event.text)
            case CheckResult():
                self.checks.append(event)
                if event.warns:
                    self.notes.append(str(event))
                    self.warnings.append(str(event))
            case Transfer() | BytesSent():
                self.transfers.on_event(event)
            case TagPublished():
                self.published.append(event)
            case ScreenshotSaved():
                self.screenshot = event.path
            case BuildLogSaved():
                self.build_log = event.path
            case AppLog():
                self.log += event.lines
        self.emit(event)

    def unchanged(self, plan: NoChange) -> Outcome:
        """Return the outcome of a step that found nothing to do."""
        outcome = self._outcome(Status.OK, plan.message)
        return replace(outcome, before=plan.identity, after=plan.identity, results=plan.results)

    def planned(self, plan: Change) -> Outcome:
        """Return the outcome in check mode."""
        outcome = self._outcome(_status(plan.before, plan.after), f"would {plan.would}")
        return replace(
            outcome, reason=plan.reason, before=plan.before, after=plan.after, results=plan.results, diff=plan.diff
        )

    def changed(self, plan: Change, now: NoChange) -> Outcome:
        """Return the outcome of a change that was carried out; `now` is what the second plan found."""
        message = (plan.done or now.message) + (f" ({now.detail})" if plan.done and now.detail else "")
        outcome = self._outcome(_status(plan.before, now.identity), message)
        results = self._completed(now.results)
        return replace(
            outcome, reason=plan.reason, before=plan.before, after=now.identity, results=results, diff=plan.diff
        )

    def failed(self, error: SeatrialError, plan: Change | NoChange | None, *, check: bool) -> Outcome:
        """Return the outcome of an error: unknown if in check mode a registry did not answer, else failed."""
        unknown = check and isinstance(error, RegistryUnavailable)
        outcome = self._outcome(Status.UNKNOWN if unknown else Status.FAILED, error.message)
        known = plan.results if plan else Results()
        return replace(outcome, error=error, results=replace(self._completed(known), published=tuple(self.published)))

    def _completed(self, results: Results) -> Results:
        return replace(results, screenshot=self.screenshot, build_log=self.build_log)

    def _outcome(self, status: Status, message: str) -> Outcome:
        if problem := self.state.take_problem():
            self.on_event(WarningEvent(text=problem))
        return Outcome(
            step=self.step.name,
            app=self.step.app,
            status=status,
            message=message,
            seconds=self.clock() - self.start,
            attempts=self.attempts,
            moved=self.transfers.summary(),
            sent=self.transfers.sent,
            notes=(*self.notes, *filter(None, [self.progress])),
            warnings=tuple(self.warnings),
            checks=tuple(self.checks),
            log=tuple(self.log),
            began=self.began,
        )


def _status(before: str | None, after: str | None) -> Status:
    return Status.OK if before is not None and before == after else Status.CHANGED
