"""Which container serves an app, and what killed runs left of theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from seatrial.engine.model import Container
from seatrial.engine.protocol import Engine, Tell
from seatrial.errors import ContainerFailed, StepFailed
from seatrial.events import Caution
from seatrial.host.firewall import Redirect
from seatrial.host.lock import Lock
from seatrial.host.process import RUN_LABEL
from seatrial.host.sockets import drained
from seatrial.model.app import App
from seatrial.pipeline.world import World

__all__ = ["BEARER_LABEL", "Serving", "end", "let_drain", "ours", "stop_in_grace", "undisturbed"]

BEARER_LABEL = "seatrial.redirect"
"""The label of a container that connections may be redirected to."""
_DRAIN_SECONDS = 2.0
_WAIT_SECONDS = 60.0
_KILLED = 137
_SLACK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What there is of an app's containers.

    `container` serves it (or did, and has ended); its name is the app's, unless a run was killed before it could give
    it; then nobody knows whether it was proved. `left` are the others that killed runs left, `rules` their redirects,
    and `bearers` those of `left` to which the redirects lead, so that they serve the app meanwhile.
    """

    container: Container | None
    left: tuple[Container, ...]
    rules: tuple[Redirect, ...]
    bearers: tuple[Container, ...]

    @classmethod
    def of(cls, world: World, app: App) -> Serving:
        """Look; `ContainerFailed` when somebody else's container has the app's name, or ours is paused."""
        seen = world.redirects.there(app.container_name)  # before the containers: who redirects has one already
        named, every = ours(world.engine, app), world.engine.containers(app.labels)
        outlived = [one for one in every if world.process.outlived(one.labels)]
        left = [one for one in outlived if one.name != app.container_name]
        heir = next((one for one in left if one.running and one.publishes(app.host_port)), None)
        container = named if (named and named.running) or heir is None else heir
        others = [*left, *([named] if named else [])]
        if seen is None:
            _refuse_unseen(app, left)
        # A run that is under way has a container that tells so; our own counts as over: nobody looks in its middle.
        alive = {one.labels.get(RUN_LABEL) for one in every if one not in outlived} - {world.process.run}
        rules = tuple(rule for rule in seen or () if rule.run not in alive)
        goals = {rule.to_port for rule in rules} - {app.host_port}  # that one is a side entrance's
        return cls(
            container=container,
            left=tuple(one for one in others if container is None or one.id != container.id),
            rules=rules,
            bearers=tuple(one for one in left if one.running and goals & set(one.ports.values())),
        )

    @property
    def answers(self) -> bool:
        """Whether anything serves the app now."""
        return bool(self.bearers or (self.container and self.container.running))

    @property
    def idle(self) -> tuple[Container, ...]:
        """What killed runs left that serves nothing."""
        kept = {one.id for one in self.bearers}
        return tuple(one for one in self.left if one.id not in kept)

    @property
    def remains(self) -> str | None:
        """Say what killed runs left, or nothing."""
        if self.left:
            return f"a run that was killed left {self.left[0].name}"
        return f"a run that was killed left a redirect of port {self.rules[0].port}" if self.rules else None


def ours(engine: Engine, app: App) -> Container | None:
    """Give the container that serves the app; `ContainerFailed` when somebody else's has its name."""
    container = engine.container(app.container_name)
    if container is None:
        return None
    if any(container.labels.get(key) != value for key, value in app.labels.items()):
        raise ContainerFailed(
            f"the name {app.container_name} is taken",
            why="a container of that name was not made by this project; it is left alone",
            mend=f"docker rename {app.container_name} OTHER, or choose another project name in invoke.yaml",
            cause="name-taken",
        )
    if container.state == "paused":
        raise ContainerFailed(
            f"{container.name} is paused",
            why="somebody paused it: it holds its port and answers nobody",
            mend=f"docker unpause {container.name}, then run it again",
        )
    return container


@contextmanager
def undisturbed(world: World, app: App, purpose: str, tell: Tell) -> Iterator[None]:
    """Let no other run or stop of this app be under way meanwhile; one that is, is waited for, a minute at most."""
    name = app.container_name
    lock = Lock(world.notes.locks, name, work="run or stop of", mend=f"run it again later (docker ps shows {name})")
    with world.holding(lock, purpose, tell, wait=_WAIT_SECONDS):
        yield


def end(world: World, app: App, container: Container, tell: Tell, *, drain: bool) -> None:
    """Let a container finish within the app's grace, then remove it; one that had to be killed is told.

    With `drain` it gets a moment before that in which its connections may end by themselves: it gets no new ones.
    """
    if container.running:
        if drain:
            let_drain(world, app, container)
        stop_in_grace(world.engine, app, container, tell)
    world.engine.remove(container.id)


def let_drain(world: World, app: App, container: Container) -> None:
    """Wait a moment for the connections of a container that gets no new ones to end by themselves."""
    if container.running:
        drained([*container.direct.values()], container.ports.values(), seconds=min(_DRAIN_SECONDS, app.stop_grace))
        world.redirects.forget(app.host_port)


def stop_in_grace(engine: Engine, app: App, container: Container, tell: Tell) -> None:
    """Stop a container within the app's grace; one that had to be killed is told."""
    began = time.monotonic()
    engine.stop(container.id, grace=app.stop_grace)
    took = time.monotonic() - began
    ended = engine.container(container.id)
    if ended and ended.exit_code == _KILLED and not ended.oom_killed and took > app.stop_grace - _SLACK_SECONDS:
        words = f"{container.name} did not end within {app.stop_grace:g} s of SIGTERM and was killed"
        tell(Caution(text=f"{words}: what it was still answering is lost (setting stop_grace)"))


def _refuse_unseen(app: App, left: list[Container]) -> None:
    """Return unless connections may be redirected to one of these and nobody can see it; `StepFailed` then."""
    if bearer := next((one for one in left if one.running and BEARER_LABEL in one.labels), None):
        raise StepFailed(
            f"what a killed run left of {app.name} cannot be cleared away",
            why=f"{bearer.name} may serve behind a redirect that only root can see",
            mend="run it again as root (sudo), or while no other program holds the firewall's lock",
        )
