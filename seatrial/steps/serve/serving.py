"""Which container serves an app, and what killed runs left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from seatrial.engine.model import Container
from seatrial.engine.protocol import Emit, Engine
from seatrial.errors import ContainerFailed, StepFailed
from seatrial.events import WarningEvent
from seatrial.host.firewall import Redirect
from seatrial.host.lock import Lock
from seatrial.host.process import RUN_LABEL
from seatrial.host.sockets import wait_until_drained
from seatrial.model.app import App
from seatrial.pipeline.world import World

__all__ = [
    "REDIRECT_TARGET_LABEL",
    "Serving",
    "app_lock",
    "drain_connections",
    "serving_container",
    "stop_and_remove",
    "stop_within_grace",
]

REDIRECT_TARGET_LABEL = "seatrial.redirect-target"
"""The label of a container that connections may be redirected to."""
_DRAIN_SECONDS = 2.0
_WAIT_SECONDS = 60.0
_KILLED = 137
_SLACK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The containers of an app.

    `container` serves the app, or has ended. Normally it is named after the app; if a run was killed before the rename,
    it is unnamed and unverified. `leftovers` are other containers of killed runs, `redirects` their redirects, and
    `redirect_targets` the leftovers that still serve through one.
    """

    container: Container | None
    leftovers: tuple[Container, ...]
    redirects: tuple[Redirect, ...]
    redirect_targets: tuple[Container, ...]

    @classmethod
    def of(cls, world: World, app: App) -> Serving:
        """Look for them; raise `ContainerFailed` if a foreign container has the app's name, or ours is paused."""
        # Before the containers: a run creates its container before its redirect.
        seen = world.redirects.list(app.container_name)
        named, every = serving_container(world.engine, app), world.engine.containers(app.labels)
        left_by_dead_runs = [one for one in every if world.process.left_by_dead_run(one.labels)]
        leftovers = [one for one in left_by_dead_runs if one.name != app.container_name]
        unnamed_container = next((one for one in leftovers if one.running and one.publishes(app.host_port)), None)
        container = named if (named and named.running) or unnamed_container is None else unnamed_container
        others = [*leftovers, *([named] if named else [])]
        if seen is None:
            _refuse_unknown_redirect(app, leftovers)
        # A run in progress has a container with its label; this run does not count: it does not look while it swaps.
        alive = {one.labels.get(RUN_LABEL) for one in every if one not in left_by_dead_runs} - {world.process.run}
        redirects = tuple(rule for rule in seen or () if rule.run not in alive)
        target_ports = {rule.to_port for rule in redirects} - {app.host_port}  # a rule to that one is a bypass
        return cls(
            container=container,
            leftovers=tuple(one for one in others if container is None or one.id != container.id),
            redirects=redirects,
            redirect_targets=tuple(one for one in leftovers if one.running and target_ports & set(one.ports.values())),
        )

    @property
    def answers(self) -> bool:
        """Whether a container serves the app now."""
        return bool(self.redirect_targets or (self.container and self.container.running))

    @property
    def idle_leftovers(self) -> tuple[Container, ...]:
        """The leftovers that serve nothing."""
        serving_ids = {one.id for one in self.redirect_targets}
        return tuple(one for one in self.leftovers if one.id not in serving_ids)

    @property
    def leftover_reason(self) -> str | None:
        """What killed runs left as text, or None."""
        if self.leftovers:
            return f"a killed run left {self.leftovers[0].name}"
        return f"a killed run left a redirect of port {self.redirects[0].port}" if self.redirects else None


def serving_container(engine: Engine, app: App) -> Container | None:
    """Return the container with the app's name, or None; raise `ContainerFailed` if it is foreign or paused."""
    container = engine.container(app.container_name)
    if container is None:
        return None
    if any(container.labels.get(key) != value for key, value in app.labels.items()):
        raise ContainerFailed(
            f"the name {app.container_name} is taken",
            reason="a container with that name was not created by this project; it is left alone",
            hint=f"docker rename {app.container_name} OTHER, or choose another project name in invoke.yaml",
            cause="name-taken",
        )
    if container.state == "paused":
        raise ContainerFailed(
            f"{container.name} is paused",
            reason="a paused container keeps its port but answers no request",
            hint=f"docker unpause {container.name}, then run it again",
        )
    return container


@contextmanager
def app_lock(world: World, app: App, purpose: str, emit: Emit) -> Iterator[None]:
    """Hold the app's lock; wait up to 60 s for another run or stop."""
    name = app.container_name
    lock = Lock(world.state.locks, name, work="run or stop of", hint=f"run it again later (docker ps shows {name})")
    with world.hold_lock(lock, purpose, emit, wait=_WAIT_SECONDS):
        yield


def stop_and_remove(world: World, app: App, container: Container, emit: Emit, *, drain: bool) -> None:
    """Stop a container within the app's grace, then remove it; warn if it had to be killed.

    With `drain`, for a container that gets no new connections, first wait a moment for its connections to end.
    """
    if container.running:
        if drain:
            drain_connections(world, app, container)
        stop_within_grace(world.engine, app, container, emit)
    world.engine.remove(container.id)


def drain_connections(world: World, app: App, container: Container) -> None:
    """Wait a moment until the connections end, for a container that gets no new ones."""
    if container.running:
        wait_until_drained(
            [*container.direct.values()], container.ports.values(), seconds=min(_DRAIN_SECONDS, app.stop_grace)
        )
        world.redirects.drop_connections(app.host_port)


def stop_within_grace(engine: Engine, app: App, container: Container, emit: Emit) -> None:
    """Stop a container within the app's grace; warn if it had to be killed."""
    began = time.monotonic()
    engine.stop(container.id, grace=app.stop_grace)
    took = time.monotonic() - began
    stopped = engine.container(container.id)
    if stopped and stopped.exit_code == _KILLED and not stopped.oom_killed and took > app.stop_grace - _SLACK_SECONDS:
        words = f"{container.name} did not stop within {app.stop_grace:g} s of SIGTERM and was killed"
        emit(WarningEvent(text=f"{words}; its open requests were lost (setting stop_grace)"))


def _refuse_unknown_redirect(app: App, leftovers: list[Container]) -> None:
    """Raise `StepFailed` if one of these may serve through a redirect that cannot be seen."""
    if redirect_target := next((one for one in leftovers if one.running and REDIRECT_TARGET_LABEL in one.labels), None):
        raise StepFailed(
            f"cannot clean up what a killed run of {app.name} left",
            reason=f"{redirect_target.name} may serve through a redirect that only root can see",
            hint="run it again as root (sudo), or while no other program holds the firewall's lock",
        )
