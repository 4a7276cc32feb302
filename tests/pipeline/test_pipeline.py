"""Steps in order, and the report about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event as Signal

import pytest

from seatrial.cli.session import How, carry_out
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, Interrupted, SeatrialError, StepFailed
from seatrial.events import Event
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.pipeline import run_steps
from seatrial.pipeline.report import Report, worst
from seatrial.pipeline.step import Change, NoChange, Step
from seatrial.pipeline.world import PlannedState, World


@dataclass(kw_only=True)
class FakeStep(Step):
    """A step that succeeds, or fails with `error`; `planned` is what it saw of the steps before it."""

    name: str
    error: SeatrialError | None = None
    done: bool = False
    planned: list[str] = field(default_factory=list)

    @property
    def app(self) -> str:
        """The app's name."""
        return "web"

    def plan(self, world: World) -> Change | NoChange:
        """Plan."""
        self.planned = sorted(world.planned.current)
        if self.error:
            raise self.error
        if self.done:
            return NoChange(message="done")
        return Change(would="do it", done="did it", planned=PlannedState(current={self.name: Image(id="made")}))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Apply."""
        self.done = True


@dataclass
class Heard:
    """An observer that records what it sees."""

    heard: list[str]

    def step_started(self, step: Step) -> None:
        """Record it."""
        self.heard.append(f"{step.name} begins")

    def on_event(self, event: Event) -> None:
        """Ignore the event."""

    def step_finished(self, outcome: Outcome) -> None:
        """Record it."""
        self.heard.append(f"{outcome.step} {outcome.status}")


def go(world: World, *steps: Step, check: bool = False) -> tuple[Report, list[str]]:
    """Return the report, and what an observer saw."""
    heard: list[str] = []
    outcomes, _ = run_steps(steps, world, Heard(heard), check=check)
    return Report(command="second", check=check, outcomes=outcomes), heard


def test_steps_in_their_order(world: World) -> None:
    """Each step begins when the one before has ended, and the report has all of them."""
    report, heard = go(world, FakeStep(name="first"), FakeStep(name="second", done=True))

    assert heard == ["first begins", "first changed", "second begins", "second ok"]
    assert [(one.step, one.app) for one in report.outcomes] == [("first", "web"), ("second", "web")]
    assert (report.status, report.exit_code, report.failure) == (Status.CHANGED, 0, None)


def test_the_first_failure_ends_it(world: World) -> None:
    """After a failure no step begins, each of the others names the failed step, and the exit code is the error's."""
    error, last = Conflict("taken", reason="published", hint="another version"), FakeStep(name="fourth")
    steps = FakeStep(name="first"), FakeStep(name="second", error=error), FakeStep(name="third"), last
    report, heard = go(world, *steps)

    begun = ["first begins", "first changed", "second begins", "second failed"]
    assert heard == [*begun, "third skipped", "fourth skipped"]
    assert all("second" in one.message for one in report.outcomes[2:])
    assert not last.done
    assert (report.status, report.failure, report.exit_code) == (Status.FAILED, error, 4)


def test_check_mode_plans_for_the_next(world: World) -> None:
    """In check mode each step sees what the steps before it would make; in a real run it sees no plans."""
    steps = FakeStep(name="first"), FakeStep(name="second"), FakeStep(name="fourth")

    report, _ = go(world, *steps, check=True)

    assert report.check
    assert [step.planned for step in steps] == [[], ["first"], ["first", "second"]]
    assert not any(step.done for step in steps)
    go(world, *steps)
    assert [step.planned for step in steps] == [[], [], []]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], Status.OK),
        ([Status.OK, Status.CHANGED, Status.OK], Status.CHANGED),
        ([Status.CHANGED, Status.FAILED, Status.SKIPPED], Status.FAILED),
    ],
)
def test_the_worst_counts(found: list[Status], expected: Status) -> None:
    """`failed` before `changed` before `ok`."""
    assert worst(Outcome(step="s", app="a", status=status, message="m") for status in found) is expected


def test_an_error_of_the_command_itself(world: World) -> None:
    """An interrupted command has failed, whatever its steps say."""
    report, _ = go(world, FakeStep(name="first"))
    cut = Report(command="second", check=False, outcomes=report.outcomes, error=Interrupted("SIGTERM", 143))

    assert (cut.status, cut.exit_code) == (Status.FAILED, 143)


@pytest.mark.parametrize(
    ("fault", "exit_code"), [(KeyError("web"), 1), (MemoryError(), 3), (KeyboardInterrupt(), 130)], ids=repr
)
def test_the_report_survives_whatever_ends_the_command(world: World, fault: BaseException, exit_code: int) -> None:
    """The steps that were done stand in the report, and the one under way is the failed one."""

    class Faulty(FakeStep):
        """A step with a fault of ours in it."""

        def apply(self, world: World, change: Change, emit: Emit) -> None:
            """Fail."""
            raise fault

    steps = (FakeStep(name="build"), Faulty(name="smoke"), FakeStep(name="push"))

    report = carry_out(How("release", check=False), steps, world, Heard([]))[0]

    assert [one.status for one in report.outcomes] == [Status.CHANGED, Status.FAILED, Status.SKIPPED]
    assert report.exit_code == exit_code


@dataclass(kw_only=True)
class Leaving(FakeStep):
    """A step that leaves work behind, which the next step need not wait for."""

    work: Callable[[], None]

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Leave it to the background."""
        world.background.do(self.work)
        super().apply(world, change, emit)


@pytest.mark.parametrize("fault", [None, KeyboardInterrupt()], ids=["to the end", "interrupted"])
def test_what_a_step_leaves_behind_is_done_in_the_end(world: World, fault: BaseException | None) -> None:
    """The next step does not wait for it; the command does, also one that is interrupted."""
    begun, done = Signal(), list[str]()

    class Meanwhile(FakeStep):
        """A step that lets the work go on, and is interrupted if the test says so."""

        def apply(self, world: World, change: Change, emit: Emit) -> None:
            """Apply."""
            begun.set()
            if fault:
                raise fault
            super().apply(world, change, emit)

    def work() -> None:
        assert begun.wait(10)
        done.append("removed")

    steps = Leaving(name="smoke", work=work), Meanwhile(name="push")
    report = carry_out(How("release", check=False), steps, world, Heard([]))[0]

    assert done == ["removed"]
    assert report.exit_code == (130 if fault else 0)


def test_what_a_step_leaves_behind_fails(world: World) -> None:
    """Its error is the command's, and its steps stand as they were done; outside of a command it is raised at once."""
    error = StepFailed("the container cannot be removed", reason="it is busy", hint="docker rm -f web")

    def work() -> None:
        raise error

    step = Leaving(name="smoke", work=work)
    report = carry_out(How("release", check=False), (step, FakeStep(name="push")), world, Heard([]))[0]

    assert [one.status for one in report.outcomes] == [Status.CHANGED, Status.CHANGED]
    assert (report.error, report.exit_code) == (error, 1)
    with pytest.raises(StepFailed):
        world.background.do(work)
