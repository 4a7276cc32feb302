"""Carry out one command: from its steps to its report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from seatrial.cli.termination import Terminated, interruption, terminable
from seatrial.cli.unexpected import unexpected
from seatrial.engine.docker.socket_engine import connect
from seatrial.engine.model import EngineInfo
from seatrial.errors import SeatrialError
from seatrial.events import BuildEvent, Event, WarningEvent
from seatrial.host.background import Task
from seatrial.host.lock import Lock
from seatrial.host.shortage import shortage_behind
from seatrial.pipeline.changes import changes_since, image_history, release_before
from seatrial.pipeline.observer import Observer
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.pipeline import interrupted_outcomes, run_steps, skipped_outcomes
from seatrial.pipeline.report import Report
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.step import AppStep, Step
from seatrial.pipeline.world import World
from seatrial.registry.credentials import CredentialStore
from seatrial.registry.model import Registry
from seatrial.settings.variables import environment

__all__ = ["How", "carry_out", "open_world"]


def open_world(state: StateFolder) -> World:
    """Return the world of the project with this saved state; the engine is connected to when it is first needed."""
    started = environment()
    store = CredentialStore(started.docker_config, started.auth_config)
    registries: dict[str, Registry] = {}

    def registry(host: str) -> Registry:
        if host not in registries:
            from seatrial.registry.client import HttpRegistry  # late: a build needs none

            registries[host] = HttpRegistry(host, store)
        return registries[host]

    engine = connect(started)
    return World(engine=engine, registry=registry, state=state)


class How(NamedTuple):
    """How a command is carried out: in check mode or not, and how many seconds it waits for another release to end.

    With `described`, or if it has published something, its report has the image's layers and what has changed.
    """

    command: str
    check: bool
    lock_wait: float = 0
    described: bool = False


def carry_out(how: How, steps: Sequence[Step], world: World, observer: Observer) -> tuple[Report, World]:
    """Carry out a command's steps and return the report, also when Ctrl-C or SIGTERM cuts it short.

    A command that publishes holds the repository's lock. The world is that behind the last step, or the same if that
    did not end well.
    """
    watch, began = _Watch(observer, steps), datetime.now(UTC)
    world = replace(world, process=world.process.starting_now())

    def report(error: SeatrialError | None = None) -> Report:
        return Report(
            command=how.command,
            check=how.check,
            outcomes=tuple(watch.outcomes),
            seconds=watch.seconds,
            error=error,
            began=began,
            publishing=next((step.publishes for step in steps if step.publishes), None),
        )

    try:
        with terminable(), _publish_lock(how, steps, world, observer):
            with world.background:
                _, world = run_steps(steps, world, watch, check=how.check)
                done = report()
                if not how.check and (how.described or (done.publishing and done.status is not Status.OK)):
                    done = _with_comparison(done, steps, world)
                done = replace(done, engine=_engine(steps, world))
            return replace(done, error=world.background.error), world
    except SeatrialError as error:  # the lock's: a step's own errors are in its outcome
        for outcome in skipped_outcomes(steps, "the lock was not taken"):
            watch.step_finished(outcome)
        return report(shortage_behind(error)), world
    except (KeyboardInterrupt, Terminated) as error:
        interrupted = interruption(error, published=watch.publishing)
        for outcome in interrupted_outcomes(steps[len(watch.outcomes) :], interrupted, seconds=watch.step_seconds):
            watch.step_finished(outcome)
        return report(None if any(one.error for one in watch.outcomes) else interrupted), world
    except Exception as error:  # noqa: BLE001  a fault of ours: what was done stands in the report all the same
        fault = unexpected(error, how.command)
        for outcome in interrupted_outcomes(steps[len(watch.outcomes) :], fault, seconds=watch.step_seconds):
            watch.step_finished(outcome)
        return report(None if any(one.error for one in watch.outcomes) else fault), world


class _Watch:
    """Keep what a report needs of a command that may be interrupted; pass everything on to another observer.

    While the engine builds, what the command's other steps need is loaded.
    """

    def __init__(self, observer: Observer, steps: Sequence[Step]) -> None:
        self._unloaded = steps if len(steps) > 1 else ()
        self.outcomes: list[Outcome] = []
        self.publishing = False
        self._observer = observer
        self._began = self._step_began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the command has taken so far."""
        return time.monotonic() - self._began

    @property
    def step_seconds(self) -> float:
        """How long the step that started last has taken so far."""
        return time.monotonic() - self._step_began

    def on_event(self, event: Event) -> None:
        """Pass the event on."""
        if self._unloaded and isinstance(event, BuildEvent):
            Task(partial(_load, self._unloaded))  # what goes wrong there is told when it is used
            self._unloaded = ()
        self._observer.on_event(event)

    def step_started(self, step: Step) -> None:
        """Note when the step starts, and whether it publishes."""
        self._step_began = time.monotonic()
        self.publishing = self.publishing or step.publishes is not None
        self._observer.step_started(step)

    def step_finished(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.outcomes.append(outcome)
        self._observer.step_finished(outcome)


def _load(steps: Sequence[Step]) -> None:
    """Load what steps need to be carried out, and to be reported if they publish."""
    for step in steps:
        step.load()
    if any(step.publishes for step in steps):
        import seatrial.engine.docker.transfer
        import seatrial.output.json_report  # noqa: F401


@contextmanager
def _publish_lock(how: How, steps: Sequence[Step], world: World, observer: Observer) -> Iterator[None]:
    """Hold the lock of the repository that is published to, if there is one; check mode only says who holds it."""
    publishing = next((step.publishes for step in steps if step.publishes), None)
    if publishing is None:
        yield
        return
    lock = Lock(world.state.locks, publishing.repository)
    if how.check:
        if owner := lock.owner():
            observer.on_event(WarningEvent(text=f"{lock.words}: {owner}"))
        yield
        return
    purpose = f"{how.command} of version {publishing.version}" if publishing.version else how.command
    with world.hold_lock(lock, purpose, observer.on_event, wait=how.lock_wait):
        yield


def _with_comparison(report: Report, steps: Sequence[Step], world: World) -> Report:
    """Return the report with the image's layers, and with what has changed since the release before."""
    image, where = report.image, report.publishing
    try:
        history = image_history(world, image.id) if image else None
        app = next((step.target for step in steps if isinstance(step, AppStep) and step.publishes), None)
        before = release_before(world, where.repository, image.id) if where and image else None
        changes = changes_since(world, app, image, before) if app and image and before else None
    except SeatrialError:  # what was done counts, also where no more can be said about it
        return report
    return replace(report, history=history, changes=changes)


def _engine(steps: Sequence[Step], world: World) -> EngineInfo | None:
    """Return the engine that the steps used, if it answers."""
    if not any(step.uses_engine for step in steps):
        return None
    try:
        return world.engine.info()
    except SeatrialError:
        return None
