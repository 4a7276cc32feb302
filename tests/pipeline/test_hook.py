"""Hooks run around a step that has something to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seatrial.errors import StepFailed
from seatrial.pipeline.hook import Hook
from seatrial.pipeline.step import Step
from seatrial.pipeline.world import World
from tests.pipeline.test_pipeline import FakeStep, go

FAILS = StepFailed("no", reason="no", hint="run it again")


def around(step: Step, ran: list[str]) -> tuple[Step, ...]:
    """Return a step with a hook before and after it."""

    def call(name: str) -> Callable[[], None]:
        return lambda: ran.append(name)

    before = Hook(task="migrate", step=step, before=True, call=call("migrate"))
    return before, step, Hook(task="tell", step=step, before=False, call=call("tell"))


@pytest.mark.parametrize(
    ("step", "check", "statuses", "ran"),
    [
        (FakeStep(name="push"), False, ["changed", "changed", "changed"], ["migrate", "tell"]),
        (FakeStep(name="push"), True, ["changed", "changed", "changed"], []),
        (FakeStep(name="push", done=True), False, ["skipped", "ok", "skipped"], []),
        (FakeStep(name="push", error=FAILS), False, ["skipped", "failed", "skipped"], []),
    ],
    ids=["work", "check mode", "nothing to do", "fails"],
)
def test_when_hooks_run(world: World, step: FakeStep, statuses: list[str], ran: list[str], *, check: bool) -> None:
    """Hooks run if their step has something to do, in check mode they are only told; the one after it needs success."""
    done: list[str] = []
    report, _ = go(world, *around(step, done), check=check)
    assert [one.status for one in report.outcomes] == statuses
    assert done == ran


def test_a_hook_that_fails(world: World) -> None:
    """A hook that fails is an outcome of its own, and its step does not start."""

    def fail() -> None:
        raise FAILS

    step = FakeStep(name="push")
    report, _ = go(world, Hook(task="migrate", step=step, before=True, call=fail), step)
    assert [(one.step, one.status) for one in report.outcomes] == [("hook", "failed"), ("push", "skipped")]
    assert (report.exit_code, step.done) == (1, False)
