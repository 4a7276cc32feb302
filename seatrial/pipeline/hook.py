"""A hook: a task of the user's own that runs before or after a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from seatrial.engine.protocol import Emit
from seatrial.errors import SeatrialError
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.step import Change, Explanation, NoChange, Step
from seatrial.pipeline.world import World

__all__ = ["Hook"]


@dataclass(frozen=True, kw_only=True)
class Hook(Step):
    """The task `task` has run before or after `step`, if that has something to do; `call` runs it."""

    task: str
    step: Step
    before: bool
    call: Callable[[], None]
    name: str = "hook"
    uses_engine: ClassVar[bool] = False
    writes: ClassVar[bool] = True

    @property
    def app(self) -> str:
        """The app of the step."""
        return self.step.app

    def reason_to_skip(self, world: World, outcomes: Sequence[Outcome]) -> str:
        """Return why the task need not run: the step has, or had, nothing to do."""
        nothing = f"{self.task}: {self.step.name} {'has' if self.before else 'had'} nothing to do"
        if not self.before:
            done = next(one for one in reversed(outcomes) if (one.step, one.app) == (self.step.name, self.app))
            return "" if done.had_work else nothing
        try:
            return nothing if isinstance(self.step.plan(world), NoChange) else ""
        except SeatrialError:
            return f"{self.task}: {self.step.name} cannot be done"

    def plan(self, world: World) -> Change | NoChange:  # noqa: ARG002  every step's signature
        """Return that the task is to be run."""
        what = f"{self.task}, {'before' if self.before else 'after'} {self.step.name}"
        return Change(would=f"run {what}", done=f"ran {what}")

    def explain(self, world: World) -> Explanation:  # noqa: ARG002  as above
        """Return the call of the task."""
        when = f"{'before' if self.before else 'after'} {self.step.name}"
        command = ShellCommand(argv=("invoke", self.task), object=f"your task {self.task}", effect=f"is run {when}")
        return Explanation(commands=(command,), notes=(f"runs it only if {self.step.name} has something to do",))

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  as above
        """Run the task, which may write files that an image is built from."""
        self.call()
        world.files.forget()

    def look_again(self, world: World, change: Change) -> NoChange:  # noqa: ARG002  as above
        """Return that it ran."""
        return NoChange(message=change.done)
