"""`converge`: check mode, what counts as changed, and the second look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seatrial.engine.memory.engine import MemoryEngine
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import DidNotConverge, StepFailed
from seatrial.events import Event, Info
from seatrial.host.process import Process
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.step import Change, NoChange, Outcome, Status, converge
from seatrial.pipeline.world import PlannedState, World


@dataclass(kw_only=True)
class Paint:
    """A wish for a colour: `wall` holds what is there, `coats` how many are needed until it holds."""

    wish: str = "blue"
    wall: list[str] = field(default_factory=lambda: ["white"])
    coats: int = 1
    known_before: bool = True
    name: str = "paint"
    app: str = "web"

    def plan(self, world: World) -> Change | NoChange:  # noqa: ARG002  a step's signature
        """Look at the wall."""
        if self.wall[-1] == self.wish:
            return NoChange(reason=f"it is {self.wish}", identity=self.wish)
        before = self.wall[-1] if self.known_before else None
        planned = PlannedState(current={"web": Image(id=self.wish)})
        return Change(reason=f"it is {self.wall[-1]}", before=before, after=self.wish, planned=planned)

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  a step's signature
        """Paint."""
        emit(Info(text="painting"))
        self.coats -= 1
        self.wall.append("grey" if self.coats else self.wish)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world with nothing in it."""
    engine = MemoryEngine()
    yield World(engine=engine, registry=engine.registry, state=StateFolder(tmp_path), process=Process.this())
    engine.close()


def quiet(event: Event) -> None:
    """Hear nothing."""


def test_a_change_is_carried_out(world: World) -> None:
    """A plan is carried out, the observer is told, and the outcome has the identities before and after."""
    step, told = Paint(), list[Event]()

    outcome, after = converge(step, world, check=False, emit=told.append, clock=iter((5.0, 7.5)).__next__)

    assert outcome == Outcome(
        step="paint",
        app="web",
        status=Status.CHANGED,
        reason="it is white",
        before="white",
        after="blue",
        seconds=2.5,
        notes=("painting",),
    )
    assert step.wall == ["white", "blue"]
    assert told == [Info(text="painting")]
    assert after is world


def test_check_mode_only_plans(world: World) -> None:
    """Check mode gives the outcome the real run would have, touches nothing, and shows the next step what will be."""
    step, told = Paint(), list[Event]()

    outcome, planned = converge(step, world, check=True, emit=told.append)

    assert (outcome.status, outcome.reason) == (Status.CHANGED, "it is white")
    assert (outcome.before, outcome.after) == ("white", "blue")
    assert (step.wall, told) == (["white"], [])
    assert planned.planned.current == {"web": Image(id="blue")}
    assert world.planned.current == {}


@pytest.mark.parametrize("check", [True, False])
def test_a_wish_that_holds(world: World, check: bool) -> None:
    """What is as wished is ok, says why, and is not touched; nothing is foreseen."""
    step = Paint(wall=["blue"])

    outcome, after = converge(step, world, check=check, emit=quiet)

    assert (outcome.status, outcome.reason) == (Status.OK, "it is blue")
    assert outcome.before == outcome.after == "blue"
    assert step.wall == ["blue"]
    assert after is world


def test_changed_is_read_from_the_identities(world: World) -> None:
    """A step that had to work and ends with the identity it began with has changed nothing, in both modes."""

    @dataclass(kw_only=True)
    class Probe(Paint):
        asked: bool = False

        def plan(self, world: World) -> Change | NoChange:  # noqa: ARG002  a step's signature
            if self.asked:
                return NoChange(reason="it answers", identity="blue")
            return Change(reason="it is asked", before="blue", after="blue")

        def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  a step's signature
            self.asked = True

    step = Probe()
    checked, _ = converge(step, world, check=True, emit=quiet)
    done, _ = converge(step, world, check=False, emit=quiet)

    assert (checked.status, checked.reason) == (done.status, done.reason) == (Status.OK, "it is asked")


def test_nothing_before_and_after_is_a_change(world: World) -> None:
    """A step that knows no identity before has changed something."""
    outcome, _ = converge(Paint(known_before=False), world, check=False, emit=quiet)

    assert (outcome.status, outcome.before, outcome.after) == (Status.CHANGED, None, "blue")


def test_a_step_that_does_not_converge(world: World) -> None:
    """What still differs after it was carried out has failed, and says what still differs."""
    outcome, after = converge(Paint(coats=2), world, check=False, emit=quiet)

    assert (outcome.status, outcome.reason) == (Status.FAILED, "paint did not converge")
    assert isinstance(outcome.error, DidNotConverge)
    assert outcome.error.reason == "it was carried out, and still: it is grey"
    assert after is world


@pytest.mark.parametrize("check", [True, False])
def test_a_plan_that_fails(world: World, check: bool) -> None:
    """An error while looking is the outcome, in both modes, and nothing is carried out."""

    class Blind(Paint):
        def plan(self, world: World) -> Change | NoChange:  # noqa: ARG002  a step's signature
            raise StepFailed("it cannot be seen", reason="fog", hint="wait")

    step = Blind()
    outcome, after = converge(step, world, check=check, emit=quiet)

    assert (outcome.status, outcome.reason) == (Status.FAILED, "it cannot be seen")
    assert outcome.error is not None
    assert outcome.error.reason == "fog"
    assert step.wall == ["white"]
    assert after is world


def test_work_that_fails(world: World) -> None:
    """An error while working is the outcome."""

    class Clumsy(Paint):
        def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  a step's signature
            raise StepFailed("the bucket fell", reason="gravity", hint="again")

    outcome, _ = converge(Clumsy(), world, check=False, emit=quiet)

    assert (outcome.status, outcome.reason) == (Status.FAILED, "the bucket fell")


def test_a_bug_is_not_an_outcome(world: World) -> None:
    """What is no error of ours goes through: a bug must not look like a failed step."""

    class Buggy(Paint):
        def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  a step's signature
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        converge(Buggy(), world, check=False, emit=quiet)
