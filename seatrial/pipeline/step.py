"""One wish about the world, and the one function that carries wishes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from seatrial.engine.protocol import Emit
from seatrial.errors import DidNotConverge, RegistryUnavailable, SeatrialError
from seatrial.events import BytesSent, Event, FactResult, Info, Retry, Transfer, WarningEvent
from seatrial.pipeline.transfers import TransferSummary
from seatrial.pipeline.world import PlannedState, World

__all__ = ["Change", "NoChange", "Outcome", "Status", "Step", "converge"]


class Status(StrEnum):
    """How a step came out; `unknown` is for check mode, where the registry that must be asked does not answer."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class NoChange:
    """The wish is fulfilled already: why, and the identity of what fulfils it."""

    reason: str
    identity: str | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a step would do, why, and the identity it starts from.

    `after` is the identity it ends with where that is known before; `planned` is what check mode lets the steps
    behind it see.
    """

    reason: str
    before: str | None = None
    after: str | None = None
    planned: PlannedState = field(default_factory=PlannedState)


class Step(Protocol):
    """One wish about the world; its `name` is its task's, its `app` the app it is for (empty for surroundings)."""

    @property
    def name(self) -> str:
        """The task's name."""
        ...

    @property
    def app(self) -> str:
        """The app's name."""
        ...

    def plan(self, world: World) -> Change | NoChange:
        """Look, and only look: give what is to be done, or why nothing is. Raises `SeatrialError` when it cannot be."""
        ...

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Carry the change out; `SeatrialError` otherwise."""
        ...


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one step came out: a status, a reason in words, identities before and after, seconds, the error if any.

    `attempts` is how often it was tried in all; `moved` what a push or pull moved, in words, and `sent` how many bytes
    went over the wire. `notes` are the remarks and warnings that were told meanwhile.
    """

    step: str
    app: str
    status: Status
    reason: str
    before: str | None = None
    after: str | None = None
    seconds: float = 0.0
    attempts: int = 1
    moved: str = ""
    sent: int = 0
    notes: tuple[str, ...] = ()
    error: SeatrialError | None = None


def converge(
    step: Step, world: World, *, check: bool, emit: Emit, clock: Callable[[], float] = time.monotonic
) -> tuple[Outcome, World]:
    """Make a wish come true, and give how it came out and the world as the next step is to see it.

    Check mode is here and nowhere else: the change is planned and foreseen, not applied; what only a registry that
    does not answer could tell is `unknown`. What was changed is read from the identities before and after, and after
    a change the step must plan nothing more.
    """
    began = clock()
    attempts, transfers = 1, TransferSummary()
    notes: list[str] = []

    def on_event(event: Event) -> None:
        nonlocal attempts
        attempts += isinstance(event, Retry)
        if isinstance(event, Info | WarningEvent):
            notes.append(event.text)
        elif isinstance(event, FactResult) and event.warns:
            notes.append(str(event))
        if isinstance(event, Transfer | BytesSent):
            transfers.on_event(event)
        emit(event)

    def outcome(status: Status, reason: str, **more: Any) -> Outcome:  # noqa: ANN401  an outcome's further fields
        fields = {
            "attempts": attempts,
            "moved": transfers.summary(),
            "sent": transfers.sent,
            "seconds": clock() - began,
        }
        fields["notes"] = tuple(notes)
        return Outcome(step=step.name, app=step.app, status=status, reason=reason, **fields, **more)  # type: ignore[arg-type]

    seen = replace(world, emit=on_event)  # a look may wait for a registry, too
    try:
        plan = step.plan(seen)
        if isinstance(plan, NoChange):
            return outcome(Status.OK, plan.reason, before=plan.identity, after=plan.identity), world
        if check:
            status = Status.OK if plan.before is not None and plan.before == plan.after else Status.CHANGED
            after = outcome(status, plan.reason, before=plan.before, after=plan.after)
            return after, world.with_planned(plan.planned)
        step.apply(seen, plan, on_event)
        again = step.plan(seen)
        if isinstance(again, Change):
            raise DidNotConverge(
                f"{step.name} did not converge",
                reason=f"it was carried out, and still: {again.reason}",
                hint="look whether somebody else works on the same images, then run it again",
            )
    except SeatrialError as error:
        unknown = check and isinstance(error, RegistryUnavailable)
        return outcome(Status.UNKNOWN if unknown else Status.FAILED, error.message, error=error), world
    status = Status.OK if plan.before is not None and plan.before == again.identity else Status.CHANGED
    return outcome(status, plan.reason, before=plan.before, after=again.identity), world
