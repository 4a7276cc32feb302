"""One command, from its steps to its report."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, cast

from lading.app import BUILDER_LABEL
from lading.credentials import CredentialStore
from lading.engine import Engine, EngineInfo
from lading.engine.glance import FirstGlance
from lading.errors import Interrupted, LadingError
from lading.events import Event
from lading.notes import Notes
from lading.pipeline import Pipeline, Published, Report, cut_short
from lading.process import Process
from lading.registry import HttpRegistry, Registry
from lading.settings import environment
from lading.step import Outcome, Status, Step
from lading.world import World

__all__ = ["NOTES_FOLDER", "Observer", "Terminated", "carry_out", "open_world", "terminable"]

NOTES_FOLDER = ".lading"
_SIGNALLED = 128


class Observer(Protocol):
    """Somebody who watches a command."""

    def began(self, step: Step) -> None:
        """Hear that a step begins."""
        ...

    def tell(self, event: Event) -> None:
        """Hear what happens in it."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """Hear how it came out."""
        ...


class Terminated(BaseException):
    """SIGTERM or SIGHUP, on its way through every `finally`; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """The exit code of a process that this signal ends."""
        return _SIGNALLED + self.number


def open_world(root: Path) -> World:
    """Give the real world of the project in `root`; the engine is spoken to on first need."""
    started = environment()
    store = CredentialStore(started.docker_config)
    registries: dict[str, Registry] = {}

    def registry(host: str) -> Registry:
        if host not in registries:
            registries[host] = HttpRegistry(host, store)
        return registries[host]

    endpoint = started.usual_engine
    engine = cast("Engine", FirstGlance(endpoint, _load_engine)) if endpoint else _load_engine()
    return World(engine=engine, registry=registry, notes=Notes(root / NOTES_FOLDER), process=Process.this())


def _load_engine() -> Engine:
    from lading.engine.docker import DockerEngine

    return DockerEngine()


def carry_out(command: str, steps: Sequence[Step], world: World, observer: Observer, *, check: bool) -> Report:
    """Carry a command's steps out and give the report, also when Ctrl-C or SIGTERM cuts it short."""
    outcomes: list[Outcome] = []

    def ended(outcome: Outcome) -> None:
        outcomes.append(outcome)
        observer.ended(outcome)

    pipeline = Pipeline(command=command, steps=tuple(steps))
    try:
        with terminable():
            report = pipeline.run(world, check=check, tell=observer.tell, began=observer.began, ended=ended)
            return _with_facts(report, steps, world)
    except (KeyboardInterrupt, Terminated) as error:
        if isinstance(error, Terminated):
            interrupted = Interrupted(signal.Signals(error.number).name, error.exit_code)
        else:
            interrupted = Interrupted("Ctrl-C", _SIGNALLED + signal.SIGINT)
        for outcome in cut_short(steps[len(outcomes) :], interrupted):
            ended(outcome)
        error_behind = None if any(one.error for one in outcomes) else interrupted
        return Report(command=command, check=check, outcomes=tuple(outcomes), error=error_behind)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, instead of ending the process where it stands."""

    def unwind(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
        raise Terminated(number)

    taken = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]  # nohup
    before = {one: signal.signal(one, unwind) for one in taken}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _with_facts(report: Report, steps: Sequence[Step], world: World) -> Report:
    """Give the report with what can only be asked afterwards: engine, image, and what the registry holds now."""
    try:
        engine: EngineInfo | None = world.engine.info()
    except LadingError:
        return report
    served: list[Any] = [step for step in steps if step.name == "run"]
    push: Any = next((step for step in steps if step.name == "push"), None)
    about: Any = next((step for step in reversed(steps) if hasattr(step, "version")), None)
    try:
        image = world.chosen(about.target, about.version) if about else None
    except LadingError:
        image = None
    published: list[Published] = []
    reached = any(one.step == "push" and one.status is not Status.SKIPPED for one in report.outcomes)
    if push and reached and image and not report.check:
        registry = world.registry(push.destination.registry)
        for reference in push.destination.references(image):
            try:
                held = registry.manifest(reference)
            except LadingError:
                continue  # nobody knows what it holds
            published.append(Published(reference=str(reference), digest=held.digest if held else None))
    return replace(
        report,
        engine=engine,
        image_id=image.id if image else None,
        builder=image.labels.get(BUILDER_LABEL) if image else None,
        published=tuple(published),
        address=served[-1].address if served and not (report.check or report.failure) else None,
    )
