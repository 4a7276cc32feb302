"""Follow a rollout until the service has converged, or until Swarm has gone back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

from msgspec import Struct, field

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Service, ServiceSpec, Task
from seatrial.errors import Conflict, ContainerFailed, SeatrialError
from seatrial.events import Progress, Waiting, WarningEvent
from seatrial.model.app import App
from seatrial.pipeline.world import World
from seatrial.steps.deploy.progress import describe_rollout, state_of, went_back_to
from seatrial.steps.deploy.service import differences
from seatrial.steps.deploy.watch import Watch

__all__ = ["Rollout", "Undo"]

_PAUSE = 0.2
_PENDING_SECONDS = 30.0
_BACK = ("rollback_completed", "rollback_paused", "paused")
_ROLLBACK_SECONDS = 120.0
_SERVING_SECONDS = 30.0
_BEGIN_SECONDS = 1.0
_REACTION_SECONDS = 8.0  # Swarm starts another task after five

Undo = Literal["remove", "roll back", "nothing"]
"""What is done about a rollout that has failed."""


class Rollout(Struct, kw_only=True, dict=True):
    """A rollout of one service to the spec `wanted`; `known` are the tasks that were there before it.

    `undo` is what is done if it fails: a new service is removed, Swarm takes an update back, and what was only waited
    for is left as it is. `before` was the state of the service's update before this one. `back` is whether the rollout
    is itself the way back.
    """

    world: World
    app: App
    image: Image
    wanted: ServiceSpec
    emit: Emit
    known: frozenset[str]
    undo: Undo
    before: str = ""
    back: bool = False
    start: float = field(default_factory=time.monotonic)
    _reported: str = ""
    _pending: tuple[str, float] = ("", 0.0)
    _steady: float | None = None
    _failed_at: float | None = None
    _ready: set[str] = field(default_factory=set)
    _missed: list[str] = field(default_factory=list)
    _lost: bool = False

    def follow(self) -> Service:
        """Wait until the service has converged, and return it.

        Raise an error with the cause if it does not; then it is undone.
        """
        self._lost = False
        while True:
            service, tasks = self._watch.service_and_tasks()
            if changed := self._changed(service):
                raise changed
            self._report(service, tasks)
            if self._went_back(service):
                error = self._failure(service, self._failed(tasks))
                raise _with(error, went_back_to(service.update_state, service.spec, self.wanted) + self._missing())
            if not (failed := self._failed_for_good(tasks)):
                self._failed_at = None
            elif not self._is_watched(service):
                raise self.end(self._failure(service, failed))
            if self._converged(service, tasks):
                self.known |= {one.id for one in tasks if one.failed}
                return service
            if problem := self._hopeless(tasks):
                raise self._node_lost(problem) if self._missed and self.undo != "remove" else self.end(problem)
            time.sleep(_PAUSE)

    def alive(self) -> bool:
        """Return whether since it converged no task of this rollout has failed, no node was lost, nobody interfered."""
        service, tasks = self._watch.service_and_tasks()
        return not (self._changed(service) or self.has_lost_node() or self._failed(tasks))

    def has_lost_node(self) -> bool:
        """Return whether a node has gone down since the service had converged."""
        self._lost = self._lost or any(one.down and one.id in self._ready for one in self._watch.nodes())
        return self._lost

    def cause(self) -> SeatrialError | None:
        """Return the error of the first task of this rollout that has failed, or None."""
        failed = self._failed(self._watch.service_and_tasks()[1])
        return self._task_error(failed) if failed else None

    def end(self, error: SeatrialError) -> SeatrialError:
        """Undo the rollout, but not what somebody else did; return the error, which says how that ended."""
        service = self._watch.service()
        if changed := self._changed(service):
            return changed
        if self.undo == "remove":
            self.world.engine.swarm.remove(service.id)
            return _with(error, "the new service is removed")
        previous = service.previous
        if self.undo == "nothing" or previous is None:
            return _with(error, "the service is left as it is")
        self._watch.roll_back()
        deadline = time.monotonic() + _ROLLBACK_SECONDS
        now, tasks = self._watch.service_and_tasks()
        while now.update_state not in _BACK and time.monotonic() < deadline:
            self._report(now, tasks)
            time.sleep(_PAUSE)
            now, tasks = self._watch.service_and_tasks()
        return _with(error, went_back_to(now.update_state, previous, self.wanted) + self._missing())

    def _missing(self) -> str:
        """Wait until what Swarm went back to serves; return what is missing after a while, in brackets, or nothing.

        For Swarm the way back has ended before that: it starts a container again only some seconds after the last one.
        """
        deadline = time.monotonic() + _SERVING_SECONDS
        while True:
            service, tasks = self._watch.service_and_tasks()
            missing = state_of(service, tasks)
            if missing is None or service.update_state != "rollback_completed":
                return ""
            if time.monotonic() >= deadline:
                return f" ({missing})"
            self._report(service, tasks)
            time.sleep(_PAUSE)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Let a signal that ends the block say that the rollout goes on: it ends only the waiting."""
        try:
            yield
        except Exception:
            raise
        except BaseException as signal:
            name = self.app.container_name
            signal.add_note(f"the rollout goes on in the swarm (docker service ps {name} shows it)")
            raise

    def _converged(self, service: Service, tasks: list[Task]) -> bool:
        state, goal = service.update_state, "rollback_completed" if self.back else "completed"
        ended = state in (goal, "") or (state == self.before and state in _BACK)
        if ended and state_of(service, tasks) is None:
            self._ready = {one.id for one in self._watch.nodes() if one.ready}
            # After a restart the manager knows for a moment only what its nodes ran before.
            ended = all(one.node in self._ready for one in tasks if one.serves)
        else:
            ended = False
        if not ended:
            self._steady = None
            return False
        self._steady = self._steady or time.monotonic()
        # Swarm begins an update a moment after it was asked for. It watches that, but not a new service.
        wait = {"remove": service.spec.monitor, "roll back": 0.0 if state else _BEGIN_SECONDS, "nothing": 0.0}
        return time.monotonic() - self._steady >= wait[self.undo]

    def _is_watched(self, service: Service) -> bool:
        """Return whether Swarm itself reacts to a failed task: to one of an update or the way back, if at all at once.

        It does not react to new replicas of the same, nor to an end that it noticed after the time in `monitor`.
        """
        if not (self.back or self._watch.restarted) and (self.undo != "roll back" or not service.update_state):
            return False
        self._failed_at = self._failed_at or time.monotonic()
        going_back = service.update_state == "rollback_started"
        return going_back or time.monotonic() - self._failed_at < service.spec.monitor + _REACTION_SECONDS

    def _changed(self, service: Service) -> Conflict | None:
        """Return the error of a rollout in which somebody else has given the service another spec."""
        going_back = service.update_state.startswith("rollback") and not self.back
        found = () if going_back else differences(self.wanted, service.spec)
        if not found:
            return None
        return Conflict(
            f"somebody else has changed the service {service.spec.name} during its rollout; it is left as it is",
            reason=f"changed: {', '.join(one.name for one in found)}; it runs {service.spec.image_name} now",
            hint=f"docker service ps {service.spec.name}; to deploy {self._what} after all, run it again",
            cause="service-changed",
        )

    def _went_back(self, service: Service) -> bool:
        state = service.update_state
        if self.back:
            return state in ("rollback_paused", "paused")
        return state in _BACK and state != self.before

    def _failed(self, tasks: list[Task]) -> Task | None:
        """Return the first task of this rollout that failed, or None."""
        return next((one for one in reversed(tasks) if one.failed and one.id not in self.known), None)

    def _failed_for_good(self, tasks: list[Task]) -> Task | None:
        """Return the same, without those in whose place another serves by now, as after a restart of their engine."""
        served = {one.place for one in tasks if one.serves}
        return self._failed([one for one in tasks if one.place not in served])

    def _failure(self, service: Service, failed: Task | None) -> SeatrialError:
        """Return the error of a rollout that has failed, with the cause of the task that failed."""
        if failed:
            return self._task_error(failed)
        return ContainerFailed(
            f"the rollout of {self._what} failed",
            reason=f"no container failed, so somebody else may have rolled it back ({service.update_message})",
            hint=f"docker service ps --no-trunc {self.app.container_name}",
            cause="rollout-failed",
        )

    def _task_error(self, failed: Task) -> SeatrialError:
        from seatrial.diagnosis.task import task_error  # most rollouts need none

        return task_error(self.world.engine, self.app, self.image, failed, self._watch.node_name(failed.node))

    def _hopeless(self, tasks: list[Task]) -> SeatrialError | None:
        """Return the error of a rollout that takes too long, or that no node can carry out; None if it goes on."""
        waited = time.monotonic() - self.start
        pending = next((one for one in tasks if one.state == "pending" and one.error and one.is_current), None)
        words, since = self._pending
        self._miss(tasks if pending else [])
        if (pending.error if pending else "") != words:
            self._pending = words, since = (pending.error if pending else ""), waited
        if words and waited - since >= _PENDING_SECONDS:
            return ContainerFailed(
                f"no node can run {self._what}",
                reason=words,
                hint="docker node ls, and the settings constraints, mode, order and reserved_memory of the app",
                cause="no-node",
            )
        if waited < self.app.deploy.timeout:
            return None
        return ContainerFailed(
            f"the rollout of {self._what} did not end within {self.app.deploy.timeout:g} s",
            reason=next((f"a task is {one.state}: {one.error}" for one in tasks if one.error), "its tasks still start"),
            hint=f"docker service ps --no-trunc {self.app.container_name}, or a longer timeout under "
            f"apps.{self.app.name}.deploy in invoke.yaml",
            cause="rollout-timeout",
        )

    def _miss(self, tasks: list[Task]) -> None:
        """Emit a warning for each node that has gone down with a container, whose place no other node takes."""
        places = {one.node for one in tasks if not one.ended}
        missed = [one.name for one in self._watch.nodes() if one.down and one.id in places] if places else []
        for name in missed:
            if name not in self._missed:
                self.emit(WarningEvent(text=f"{name} is down"))
        self._missed = missed

    def _node_lost(self, problem: SeatrialError) -> SeatrialError:
        """Return the error of a rollout that waits for nodes that are down: the version may be good."""
        names = " and ".join(self._missed)
        return ContainerFailed(
            f"the rollout of {self._what} cannot end without {names}; the service is left as it is",
            reason=f"{names} went down ({problem.reason})",
            hint=f"docker node ls; when {names} answers again, Swarm goes on: then run this again, to wait for the end",
            cause="node-lost",
        )

    def _report(self, service: Service, tasks: list[Task]) -> None:
        """Emit how far the rollout is, and whether that has changed."""
        going_back = "going back: " if service.update_state.startswith("rollback") and not self.back else ""
        text = going_back + describe_rollout(service, tasks, self._watch.node_name)
        self.emit(Waiting(text=text))
        if text != self._reported:
            self._reported = text
            self.emit(Progress(text=text))

    @cached_property
    def _watch(self) -> Watch:
        return Watch(world=self.world, name=self.app.container_name, emit=self.emit)

    @property
    def _what(self) -> str:
        return self.image.name if self.image.tags else self.app.name


def _with(error: SeatrialError, what: str) -> SeatrialError:
    """Return an error whose message also says what was done about it."""
    return error.but(message=f"{error.message}; {what}")
