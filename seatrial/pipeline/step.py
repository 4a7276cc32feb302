"""What a step is: one desired state, compared with the world by `plan` and made so by `apply`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from seatrial.engine.protocol import Emit
from seatrial.pipeline.world import PlannedState, World

__all__ = ["Change", "NoChange", "Step"]


@dataclass(frozen=True, kw_only=True)
class NoChange:
    """Nothing has to be done.

    `message` says what is so, in the present tense ("shop:1 is up to date"); `identity` is what it is recognised by.
    `detail` is worth adding once the step has changed something ("133 MB").
    """

    message: str
    identity: str | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a step would do.

    `would` completes "would …" ("push shop:1"); `done` says the same in the past tense ("pushed shop:1"), and if it is
    empty the message of the second plan is used. `reason` is why, or empty ("changed: app.py"). `before` is the
    identity before the change, `after` the one after it, if known in advance; `planned` is what check mode shows to
    the next steps.
    """

    would: str
    done: str = ""
    reason: str = ""
    before: str | None = None
    after: str | None = None
    planned: PlannedState = field(default_factory=PlannedState)


class Step(Protocol):
    """One desired state; `name` is its task's name, `app` its app's name (empty if it is for no app)."""

    @property
    def name(self) -> str:
        """The task's name."""
        ...

    @property
    def app(self) -> str:
        """The app's name."""
        ...

    def plan(self, world: World) -> Change | NoChange:
        """Return what must be done, or that nothing must; change nothing. Raise `SeatrialError` if it is impossible."""
        ...

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Carry the change out; raise `SeatrialError` if that fails."""
        ...
