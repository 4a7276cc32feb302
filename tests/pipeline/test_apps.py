"""Several apps at once: order, what a failure stops, what check mode shows, and how they end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from seatrial.cli.session import How, carry_out
from seatrial.cli.termination import terminable
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, StepFailed
from seatrial.host.signals import temporary
from seatrial.pipeline.apps import run_apps
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.pipeline import skipped_outcomes
from seatrial.pipeline.report import Report, of_apps
from seatrial.pipeline.step import AppSteps, Change, NoChange, Step
from seatrial.pipeline.world import PlannedState, World
from tests.pipeline.test_pipeline import Heard


@dataclass(kw_only=True)
class _Step(Step):
    """A step that does `work`; `seen` is what check mode had planned for it."""

    name: str = "build"
    of: str
    work: Callable[[], object] = lambda: None
    seen: list[str] = field(default_factory=list)
    done: bool = False
    uses_engine = False

    @property
    def app(self) -> str:
        """The app's name."""
        return self.of

    def plan(self, world: World) -> Change | NoChange:
        """Plan."""
        if self.done:
            return NoChange(message="done")
        self.seen = sorted(world.planned.current)
        return Change(would="do it", planned=PlannedState(current={self.of: Image(id="made")}))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Apply."""
        self.work()
        self.done = True


@dataclass(frozen=True)
class _Carrier:
    """Carries out as a command does, without a console."""

    check: bool = False

    def carry_out(self, one: AppSteps, world: World) -> tuple[Report, World]:
        """Carry out."""
        return carry_out(How("build", check=self.check), one.steps, world, Heard([]))

    def skip(self, one: AppSteps, reason: str) -> Report:
        """Skip."""
        return Report(command="build", check=self.check, outcomes=tuple(skipped_outcomes(one.steps, reason)))


def _fail() -> None:
    raise StepFailed("it broke", reason="it did", hint="invoke build")


def _app(step: _Step, *needs: str) -> AppSteps:
    return AppSteps(app=step.of, steps=(step,), needs=needs)


def _go(world: World, *apps: AppSteps, jobs: int = 4, check: bool = False) -> Report:
    return of_apps(run_apps(apps, world, _Carrier(check), jobs=jobs), command="build", check=check, seconds=0)


@pytest.mark.parametrize("jobs", [1, 3])
def test_at_once_and_in_order(world: World, jobs: int) -> None:
    """As many apps as asked for are worked on at once, and each after those that it needs."""
    order, running, most, lock = list[str](), 0, 0, threading.Lock()

    def work(name: str) -> None:
        nonlocal running, most
        with lock:
            running, most = running + 1, max(most, running + 1)
        time.sleep(0.05)
        with lock:
            running -= 1
            order.append(name)

    def app(name: str, *needs: str) -> AppSteps:
        return _app(_Step(of=name, work=lambda: work(name)), *needs)

    report = _go(world, app("base"), app("web", "base"), app("api", "base"), app("top", "web", "api"), jobs=jobs)

    assert (order[0], order[-1], most) == ("base", "top", min(jobs, 2))
    assert [one.app for one in report.apps] == ["base", "web", "api", "top"]
    assert {one.status for one in report.outcomes} == {Status.CHANGED}


def test_a_failure_stops_what_depends_on_it(world: World) -> None:
    """What needs an app that failed is skipped, and what needs that, too; the others are carried out."""
    report = _go(
        world,
        _app(_Step(of="base", work=_fail)),
        _app(_Step(of="web"), "base"),
        _app(_Step(of="top"), "web"),
        _app(_Step(of="other")),
    )

    assert {one.app: (one.status, one.message) for one in report.outcomes[1:3]} == {
        "web": (Status.SKIPPED, "it needs base, which failed"),
        "top": (Status.SKIPPED, "it needs web, which was skipped"),
    }
    assert (report.outcomes[3].status, report.exit_code, report.status) == (Status.CHANGED, 1, Status.FAILED)


def test_the_exit_code_of_several(world: World) -> None:
    """It is that of the first app that failed; an error outside of the steps counts as a failed step."""

    def conflict() -> None:
        raise Conflict("it is taken", reason="another one has it", hint="invoke build")

    report = _go(world, _app(_Step(of="a")), _app(_Step(of="b", work=conflict)), _app(_Step(of="c", work=_fail)))
    assert (report.exit_code, report.counts[Status.FAILED]) == (4, 2)
    locked = Report(command="build", check=False, error=StepFailed("no lock", reason="x", hint="y"))
    together = of_apps([*report.apps, locked], command="build", check=False, seconds=0)
    assert together.counts[Status.FAILED] == 3


def test_check_mode_shows_what_is_needed(world: World) -> None:
    """In check mode an app sees what would be made of those that it needs, and of no others."""
    steps = {name: _Step(of=name) for name in ("base", "other", "web")}
    _go(world, _app(steps["base"]), _app(steps["other"]), _app(steps["web"], "base"), check=True)
    assert steps["web"].seen == ["base"]
    assert steps["other"].seen == []


def test_a_signal_ends_all(world: World) -> None:
    """Ctrl-C ends every app that is worked on, and what each has made is removed; the others are skipped."""
    removed, ready = list[str](), threading.Barrier(3)

    def work(name: str) -> None:
        with temporary(lambda: None, lambda: removed.append(name)):
            ready.wait()
            while True:
                time.sleep(0.01)

    def press() -> None:
        ready.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    with terminable():
        report = _go(
            world,
            *(_app(_Step(of=name, work=partial(work, name))) for name in ("a", "b")),
            _app(_Step(of="c")),
            jobs=2,
        )

    assert (sorted(removed), report.exit_code) == (["a", "b"], 130)
    assert [one.status for one in report.outcomes] == [Status.FAILED, Status.FAILED, Status.SKIPPED]


def test_a_signal_while_something_is_removed(world: World) -> None:
    """What is being removed is removed to its end."""
    removed, removing = list[str](), threading.Event()

    def remove() -> None:
        removing.set()
        time.sleep(0.2)
        removed.append("it")

    def work() -> None:
        with temporary(lambda: None, remove):
            pass
        while True:
            time.sleep(0.01)

    def press() -> None:
        removing.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    threading.Thread(target=press, daemon=True).start()
    with terminable():
        report = _go(world, _app(_Step(of="a", work=work)), _app(_Step(of="b")), jobs=1)

    assert (removed, report.exit_code) == (["it"], 143)
