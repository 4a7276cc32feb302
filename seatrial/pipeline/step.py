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

    `message` says what is so, in the present tense ("shop:1 is up to date"), `identity` what it was recognised by.
    `detail` is worth adding once the step has changed something ("133 MB").
    """

    message: str
    identity: str | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a step would do.

    `would` completes "would …" ("push shop:1"), `done` says the same in the past tense ("pushed shop:1"); where it is
    empty, the plan made afterwards says what is so. `reason` is why, where that is worth a word ("changed: app.py").
    `before` is the identity it starts from, `after` the one it ends with, where that is known in advance; `planned` is
    what check mode shows to the steps that follow.
    """

    would: str
    done: str = ""
    reason: str = ""
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
