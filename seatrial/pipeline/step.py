"""A step: one desired state, which `plan` compares with the world and `apply` brings about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from msgspec import Struct

from seatrial.engine.protocol import Emit
from seatrial.model.app import App
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.outcome import Difference, Outcome, Results
from seatrial.pipeline.world import PlannedState, World

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # Python's own has a default since 3.13

    _FoundT = TypeVar("_FoundT", default=Any)
else:
    from typing import TypeVar

    _FoundT = TypeVar("_FoundT")

__all__ = ["AppStep", "AppSteps", "Change", "Explanation", "NoChange", "Publishing", "Step"]


class Publishing(Struct, frozen=True, kw_only=True):
    """A repository that is published to, and the version (None: that of the image built last)."""

    repository: str
    version: str | None


class NoChange(Struct, frozen=True, kw_only=True):
    """Nothing has to be done.

    `message` says what is so, in the present tense ("shop:1 is up to date"); `identity` is an id, digest or address.
    `detail` is added to the message of a step that has changed something ("133 MB"); `results` is what there is now.
    """

    message: str
    identity: str | None = None
    detail: str = ""
    results: Results = Results()


class Change(Struct, Generic[_FoundT], frozen=True, kw_only=True):
    """What a step would do.

    `would` completes "would …" ("push shop:1"); `done` says the same in the past tense ("pushed shop:1"), and if it is
    empty the message of the second plan is used. `reason` is why, or empty ("changed: app.py"). `before` is the
    identity before the change, `after` the one after it, if known in advance; `planned` is what check mode shows to
    the next steps. `results` is what is known before the change, and what is reported if it fails. `diff` is what
    changes, before and after. `found` is what the plan found, for `apply`.
    """

    would: str
    done: str = ""
    reason: str = ""
    before: str | None = None
    after: str | None = None
    planned: PlannedState = PlannedState()
    results: Results = Results()
    diff: tuple[Difference, ...] = ()
    found: _FoundT = None  # type: ignore[assignment]  # where `apply` needs nothing


class Explanation(Struct, frozen=True, kw_only=True):
    """What a step does, in commands; `notes` say what it does that they do not.

    `planned` is what the commands would create, for the explanation of the next steps.
    """

    commands: tuple[ShellCommand, ...] = ()
    notes: tuple[str, ...] = ()
    planned: PlannedState = PlannedState()


class Step(ABC):
    """One desired state.

    `name` is its task's name, `app` its app's name (empty if it is for no app). If the outcome of a step with
    `may_be_unknown` is unknown in check mode, the next steps are planned all the same. A step without `uses_engine`
    makes no request to the engine. A step with `writes` writes to the terminal itself while it works.
    """

    name: str
    may_be_unknown: ClassVar[bool] = False
    uses_engine: ClassVar[bool] = True
    writes: ClassVar[bool] = False

    @property
    def app(self) -> str:
        """The app's name."""
        return ""

    @property
    def publishes(self) -> Publishing | None:
        """What the step publishes, None for nothing; it needs the repository's lock."""
        return None

    def reason_to_skip(self, world: World, outcomes: Sequence[Outcome]) -> str:  # noqa: ARG002  for steps that need it
        """Return why there is no need for the step, from the outcomes before it; empty if it is to be carried out."""
        return ""

    def load(self) -> None:  # noqa: B027  most steps have none
        """Load the modules that only carrying the step out needs; called while the engine builds in an earlier step."""

    @abstractmethod
    def plan(self, world: World) -> Change | NoChange:
        """Return the needed change, or `NoChange`; change nothing. Raise `SeatrialError` if it is impossible."""

    @abstractmethod
    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Carry the change out; raise `SeatrialError` if that fails."""

    def explain(self, world: World) -> Explanation:  # noqa: ARG002  for steps that have commands
        """Return the commands that do from scratch what the step does; change nothing, whatever there is already."""
        return Explanation()

    def look_again(self, world: World, change: Change) -> Change | NoChange:  # noqa: ARG002  for steps that need it
        """Return what is still to be done after the change was carried out."""
        return self.plan(world)


@dataclass(frozen=True, kw_only=True)
class AppStep(Step):
    """A step for one app, `target`."""

    target: App

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name


class AppSteps(Struct, frozen=True, kw_only=True):
    """An app's steps, and which of the other apps must succeed before it begins."""

    app: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
