"""One wish about the world, and the one function that carries wishes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from seatrial.engine.protocol import Tell
from seatrial.errors import DidNotConverge, RegistryUnavailable, SeatrialError
from seatrial.events import Caution, Event, FactSeen, Note, Retry, Sent, Transfer
from seatrial.pipeline.transfers import Tally
from seatrial.pipeline.world import Foresight, World

__all__ = ["Change", "Holds", "Outcome", "Status", "Step", "converge"]


class Status(StrEnum):
    """How a step came out; `unknown` is for check mode, where the registry that must be asked does not answer."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Holds:
    """The wish is fulfilled already: why, and the identity of what fulfils it."""

    reason: str
    identity: str | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a step would do, why, and the identity it starts from.

    `after` is the identity it ends with where that is known before; `foresight` is what check mode lets the steps
    behind it see.
    """

    reason: str
    before: str | None = None
    after: str | None = None
    foresight: Foresight = field(default_factory=Foresight)


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

    def plan(self, world: World) -> Change | Holds:
        """Look, and only look: give what is to be done, or why nothing is. Raises `SeatrialError` when it cannot be."""
        ...

    def apply(self, world: World, change: Change, tell: Tell) -> None:
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
    step: Step, world: World, *, check: bool, tell: Tell, clock: Callable[[], float] = time.monotonic
) -> tuple[Outcome, World]:
    """Make a wish come true, and give how it came out and the world as the next step is to see it.

    Check mode is here and nowhere else: the change is planned and foreseen, not applied; what only a registry that
    does not answer could tell is `unknown`. What was changed is read from the identities before and after, and after
    a change the step must plan nothing more.
    """
    began = clock()
    attempts, tally = 1, Tally()
    notes: list[str] = []

    def hear(event: Event) -> None:
        nonlocal attempts
        attempts += isinstance(event, Retry)
        if isinstance(event, Note | Caution):
            notes.append(event.text)
        elif isinstance(event, FactSeen) and event.warns:
            notes.append(str(event))
        if isinstance(event, Transfer | Sent):
            tally.hear(event)
        tell(event)

    def outcome(status: Status, reason: str, **more: Any) -> Outcome:  # noqa: ANN401  an outcome's further fields
        told = {"attempts": attempts, "moved": tally.summary(), "sent": tally.sent, "seconds": clock() - began}
        told["notes"] = tuple(notes)
        return Outcome(step=step.name, app=step.app, status=status, reason=reason, **told, **more)  # type: ignore[arg-type]

    seen = replace(world, tell=hear)  # a look may wait for a registry, too
    try:
        plan = step.plan(seen)
        if isinstance(plan, Holds):
            return outcome(Status.OK, plan.reason, before=plan.identity, after=plan.identity), world
        if check:
            status = Status.OK if plan.before is not None and plan.before == plan.after else Status.CHANGED
            after = outcome(status, plan.reason, before=plan.before, after=plan.after)
            return after, world.foresee(plan.foresight)
        step.apply(seen, plan, hear)
        again = step.plan(seen)
        if isinstance(again, Change):
            raise DidNotConverge(
                f"{step.name} did not converge",
                why=f"it was carried out, and still: {again.reason}",
                mend="look whether somebody else works on the same images, then run it again",
            )
    except SeatrialError as error:
        unknown = check and isinstance(error, RegistryUnavailable)
        return outcome(Status.UNKNOWN if unknown else Status.FAILED, error.what, error=error), world
    status = Status.OK if plan.before is not None and plan.before == again.identity else Status.CHANGED
    return outcome(status, plan.reason, before=plan.before, after=again.identity), world
