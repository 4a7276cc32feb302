"""`converge`: check mode, what counts as changed, and the second look."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import DidNotConverge, StepFailed
from seatrial.events import Event, Info, Transfer
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.step import Change, NoChange, Step
from seatrial.pipeline.world import PlannedState, World


@dataclass(kw_only=True)
class Paint(Step):
    """A step that paints a wall; it converges after so many `coats`."""

    wish: str = "blue"
    wall: list[str] = field(default_factory=lambda: ["white"])
    coats: int = 1
    known_before: bool = True
    name: str = "paint"

    @property
    def app(self) -> str:
        """The app's name."""
        return "web"

    def plan(self, world: World) -> Change | NoChange:
        """Compare the wall with the wish."""
        if self.wall[-1] == self.wish:
            return NoChange(message=f"the wall is {self.wish}", identity=self.wish, detail="2 coats")
        before = self.wall[-1] if self.known_before else None
        planned = PlannedState(current={"web": Image(id=self.wish)})
        return Change(
            would=f"paint it {self.wish}",
            done=f"painted it {self.wish}",
            reason=f"it was {self.wall[-1]}",
            before=before,
            after=self.wish,
            planned=planned,
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Paint."""
        emit(Info(text="painting"))
        self.coats -= 1
        self.wall.append("grey" if self.coats else self.wish)


def quiet(event: Event) -> None:
    """Ignore the event."""


def test_a_change_is_carried_out(world: World) -> None:
    """A plan is carried out, its events are emitted, and the outcome has the identities before and after."""
    step, events = Paint(), list[Event]()

    outcome, after = converge(step, world, check=False, emit=events.append, clock=iter((5.0, 7.5)).__next__)

    assert outcome.began is not None
    assert replace(outcome, began=None) == Outcome(
        step="paint",
        app="web",
        status=Status.CHANGED,
        message="painted it blue (2 coats)",
        reason="it was white",
        before="white",
        after="blue",
        seconds=2.5,
        notes=("painting",),
        had_work=True,
    )
    assert step.wall == ["white", "blue"]
    assert events == [Info(text="painting")]
    assert after is world


def test_each_outcome_counts_its_own_transfers(world: World) -> None:
    """What a step before has sent is not in the outcome of the next one."""

    class Send(Paint):
        """A step that sends a layer of its own."""

        def apply(self, world: World, change: Change, emit: Emit) -> None:
            """Send it."""
            emit(Transfer(layer=self.wish, current=1, text="Pushed"))
            super().apply(world, change, emit)

    sent = [converge(Send(wish=wish), world, check=False, emit=quiet)[0].moved for wish in ("blue", "green")]

    assert sent[0]
    assert sent[0] == sent[1]


def test_check_mode_only_plans(world: World) -> None:
    """Check mode foretells the outcome of the real run, changes nothing, and shows the next step what will be."""
    step, events = Paint(), list[Event]()

    outcome, planned = converge(step, world, check=True, emit=events.append)

    assert (outcome.status, outcome.message, outcome.reason) == (Status.CHANGED, "would paint it blue", "it was white")
    assert (outcome.before, outcome.after) == ("white", "blue")
    assert (step.wall, events) == (["white"], [])
    assert planned.planned.current == {"web": Image(id="blue")}
    assert world.planned.current == {}


@pytest.mark.parametrize("check", [True, False])
def test_nothing_to_do(world: World, check: bool) -> None:
    """A step with nothing to do is ok, says what is so, and changes nothing."""
    step = Paint(wall=["blue"])

    outcome, after = converge(step, world, check=check, emit=quiet)

    assert (outcome.status, outcome.message) == (Status.OK, "the wall is blue")
    assert outcome.before == outcome.after == "blue"
    assert step.wall == ["blue"]
    assert after is world


def test_changed_is_read_from_the_identities(world: World) -> None:
    """A step that ends with the identity it began with is ok, in both modes; one that knew none is changed."""

    @dataclass(kw_only=True)
    class Probe(Paint):
        asked: bool = False

        def plan(self, world: World) -> Change | NoChange:
            if self.asked:
                return NoChange(message="it answered", identity="blue")
            return Change(would="ask it", before="blue", after="blue")

        def apply(self, world: World, change: Change, emit: Emit) -> None:
            self.asked = True

    step = Probe()
    checked, _ = converge(step, world, check=True, emit=quiet)
    done, _ = converge(step, world, check=False, emit=quiet)

    assert (checked.status, checked.message) == (Status.OK, "would ask it")
    assert (done.status, done.message) == (Status.OK, "it answered")
    outcome, _ = converge(Paint(known_before=False), world, check=False, emit=quiet)
    assert (outcome.status, outcome.before, outcome.after) == (Status.CHANGED, None, "blue")


def test_a_step_that_does_not_converge(world: World) -> None:
    """A step whose second plan is not empty has failed, and says what it would still do."""
    outcome, after = converge(Paint(coats=2), world, check=False, emit=quiet)

    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, DidNotConverge)
    assert "it was grey" in outcome.error.reason
    assert after is world


@pytest.mark.parametrize("check", [True, False])
def test_a_plan_that_fails(world: World, check: bool) -> None:
    """An error of a plan is the outcome, in both modes, and nothing is carried out."""

    class Blind(Paint):
        def plan(self, world: World) -> Change | NoChange:
            raise StepFailed("it cannot be seen", reason="fog", hint="wait")

    step = Blind()
    outcome, after = converge(step, world, check=check, emit=quiet)

    assert (outcome.status, outcome.message) == (Status.FAILED, "it cannot be seen")
    assert outcome.error is not None
    assert outcome.error.reason == "fog"
    assert step.wall == ["white"]
    assert after is world


def test_work_that_fails(world: World) -> None:
    """An error while a change is carried out is the outcome; a bug is raised, and does not look like a failed step."""

    @dataclass(kw_only=True)
    class Clumsy(Paint):
        error: Exception

        def apply(self, world: World, change: Change, emit: Emit) -> None:
            raise self.error

    step = Clumsy(error=StepFailed("the bucket fell", reason="gravity", hint="again"))
    outcome, _ = converge(step, world, check=False, emit=quiet)
    assert (outcome.status, outcome.message) == (Status.FAILED, "the bucket fell")
    with pytest.raises(ZeroDivisionError):
        converge(Clumsy(error=ZeroDivisionError()), world, check=False, emit=quiet)
