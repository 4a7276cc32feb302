"""Which container serves an app, and what killed runs left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from seatrial.engine.model import Container
from seatrial.engine.protocol import Emit, Engine
from seatrial.errors import ContainerFailed
from seatrial.events import WarningEvent
from seatrial.host.lock import Lock
from seatrial.model.app import App
from seatrial.pipeline.ownership import another_project
from seatrial.pipeline.world import World

__all__ = ["SERVING_LABELS", "Serving", "app_lock", "serving_container", "stop_and_remove", "stop_within_grace"]

SERVING_LABELS = {"seatrial.role": "serving"}
"""The labels of a container that serves an app, besides the app's own."""
_WAIT_SECONDS = 60.0
_KILLED = 137
_TERMINATED = 143
_SLACK_SECONDS = 0.5
_SHELLS = ("sh", "bash", "ash", "dash")


class Serving(Struct, frozen=True, kw_only=True):
    """The containers of an app.

    `container` serves the app, or has ended. `leftovers` are what killed runs left beside it: containers for checks,
    and the container that another one was about to replace. `unfinished` is the first container that a killed run
    created and did not finish with, or None.
    """

    container: Container | None
    leftovers: tuple[Container, ...]
    unfinished: Container | None

    @classmethod
    def of(cls, world: World, app: App) -> Serving:
        """Find the app's containers; raise `ContainerFailed` if a foreign one has the app's name, or ours is paused."""
        every = _own_containers(world.engine, app)
        serving = _serving_containers(world.engine, app, every)
        others = [one for one in every if one not in serving and world.process.left_by_dead_run(one.labels)]
        # A container gets the app's name once it has passed its checks and serves alone.
        unnamed = [one for one in (*serving, *others) if one.name != app.container_name]
        return cls(
            container=serving[0] if serving else None,
            leftovers=(*serving[1:], *others),
            unfinished=unnamed[0] if unnamed else None,
        )

    @property
    def all(self) -> tuple[Container, ...]:
        """All of these containers."""
        return (*([self.container] if self.container else []), *self.leftovers)

    @property
    def leftover_reason(self) -> str:
        """What a killed run left, as text; empty if nothing."""
        return f"a killed run left {self.unfinished.name}" if self.unfinished else ""


def serving_container(engine: Engine, app: App) -> Container | None:
    """Return the container that serves the app, or has ended; None if there is none.

    Raise `ContainerFailed` if a foreign container has the app's name, or ours is paused.
    """
    return next(iter(_serving_containers(engine, app, _own_containers(engine, app))), None)


def _serving_containers(engine: Engine, app: App, every: list[Container]) -> list[Container]:
    """Return the app's containers that serve it or did; more than one only after a run was killed.

    A running one comes first, then one on the app's port, then one with the app's name.
    """
    named = engine.container(app.container_name)
    if named and app.labels.items() <= named.labels.items() and not app.is_in_project(named.labels):
        raise another_project(app, named)
    if named and not {**app.labels, **SERVING_LABELS}.items() <= named.labels.items():
        raise ContainerFailed(
            f"the name {app.container_name} is taken",
            reason="a container with that name was not created by this project; it is left alone",
            hint=f"docker rename {app.container_name} OTHER, or choose another project name in invoke.yaml",
            cause="name-taken",
        )
    serving = [one for one in every if SERVING_LABELS.items() <= one.labels.items()]
    if paused := next((one for one in serving if one.state == "paused"), None):
        raise ContainerFailed(
            f"{paused.name} is paused",
            reason="a paused container keeps its port but answers no request",
            hint=f"docker unpause {paused.name}, then run it again",
        )

    def rank(one: Container) -> tuple[bool, bool, bool]:
        return one.running, one.publishes(app.host_port), one.name == app.container_name

    return sorted(serving, key=rank, reverse=True)


def _own_containers(engine: Engine, app: App) -> list[Container]:
    return [one for one in engine.containers(app.labels) if app.owns(one.labels)]


@contextmanager
def app_lock(world: World, app: App, purpose: str, emit: Emit) -> Iterator[None]:
    """Hold the app's lock; wait up to 60 s for another run or stop."""
    name = app.container_name
    lock = Lock(world.state.locks, name, work="run or stop of", hint=f"run it again later (docker ps shows {name})")
    with world.hold_lock(lock, purpose, emit, wait=_WAIT_SECONDS, required=False):
        yield


def stop_and_remove(engine: Engine, app: App, container: Container, emit: Emit) -> None:
    """Stop a container within the app's grace, then remove it; warn if it had to be killed."""
    stop_within_grace(engine, app, container, emit)
    engine.remove(container.id)


def stop_within_grace(engine: Engine, app: App, container: Container, emit: Emit) -> None:
    """Stop a container within the app's grace; warn if it had to be killed."""
    began = time.monotonic()
    engine.stop(container.id, grace=app.stop_grace)
    took = time.monotonic() - began
    stopped = engine.container(container.id)
    if stopped and stopped.exit_code == _KILLED and not stopped.oom_killed and took > app.stop_grace - _SLACK_SECONDS:
        words = f"{container.name} did not stop within {app.stop_grace:g} s of SIGTERM and was killed"
        emit(WarningEvent(text=f"{words}; its open requests were lost (setting stop_grace)"))
    elif stopped and stopped.exit_code == _TERMINATED and _runs_in_shell(engine, container):
        words = f"{container.name} runs in a shell, which ends at SIGTERM without the app"
        emit(WarningEvent(text=f"{words}; open requests may be lost: write CMD as a list, or begin it with exec"))


def _runs_in_shell(engine: Engine, container: Container) -> bool:
    """Return whether a container's command is a line for a shell that does not replace itself with the app."""
    inspection = engine.inspect_container(container.id)
    program, *arguments = inspection.command if inspection else ("",)
    script = arguments[arguments.index("-c") + 1 :][:1] if "-c" in arguments else []
    return program.rpartition("/")[2] in _SHELLS and bool(script) and not script[0].startswith("exec ")
