"""Replace the serving container with a new one that passed its checks, or leave it as it was."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack

from msgspec import Struct

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send
from seatrial.engine.model import Container, Image
from seatrial.engine.protocol import Emit
from seatrial.errors import SeatrialError
from seatrial.events import Info, WarningEvent
from seatrial.host.signals import deferred
from seatrial.model.app import App
from seatrial.model.check import Check
from seatrial.pipeline.world import World, ignore
from seatrial.steps.serve.serving import SERVING_LABELS, Serving, stop_and_remove, stop_within_grace
from seatrial.steps.smoke.smoke_container import run_checks, run_checks_in_container, spec_for, start_and_check

__all__ = ["Replacement"]

_RESTORE_GRACE = 1.0
_POLL_SECONDS = 0.02
_NOT_THERE = (502, 503, 504)


class Replacement(Struct, frozen=True, kw_only=True):
    """A new container for the app: its image and labels.

    After an error or an interrupt the old container serves again, and the new one is removed.
    """

    world: World
    app: App
    image: Image
    labels: dict[str, str]
    emit: Emit

    def carry_out(self, serving: Serving) -> None:
        """Start the new container on the app's port, check it, and remove all others.

        If the old one holds that port, first check the image beside it, then stop the old one.
        """
        old = serving.container
        if old is None or not old.running or not old.publishes(self.app.host_port):
            with ExitStack() as undo:
                new = self._start_new(undo, self.emit)
                self._finish(undo, new, serving.all)
            return
        run_checks_in_container(self.world, self.app, self.image, self.emit)
        with ExitStack() as undo:
            began = time.monotonic()
            undo.callback(self._restore, old, began)
            stop_within_grace(self.world.engine, self.app, old, self.emit)
            new = self._start_new(undo, ignore)  # the results of the same checks were emitted before
            gap = time.monotonic() - began
            self._finish(undo, new, serving.all)
        self.emit(Info(text=f"{gap:.1f} s without service"))

    def clean_up(self, container: Container, leftovers: Iterable[Container]) -> None:
        """Keep the serving container, and remove everything else that killed runs left.

        A container without the app's name is checked first; if it fails, the one before it serves again.
        """
        with ExitStack() as undo:
            if container.name != self.app.container_name:
                before = next((one for one in leftovers if one.name == self.app.container_name), None)
                if before and not before.running:
                    undo.callback(self._restore, before)
                undo.callback(self._remove, container.id)
                run_checks(self.world.engine, self.app, self.image, container.id, self.emit)
            self._finish(undo, container.id, leftovers)

    def _start_new(self, undo: ExitStack, emit: Emit) -> str:
        """Create the new container, start it, check it and return its id; `undo` removes it."""
        engine, app = self.world.engine, self.app
        labels = {**self.labels, **SERVING_LABELS, **self.world.process.labels}
        name = f"{app.container_name}-{self.world.process.run}"
        spec = spec_for(app, self.image, name=name, host_port=app.host_port, labels=labels, keep=True)
        with deferred():  # otherwise an interrupt could leave a container that is not removed
            new = engine.create(spec, self.emit)
            undo.callback(self._remove, new)
        start_and_check(engine, app, self.image, new, emit, host_port=app.host_port)
        return new

    def _finish(self, undo: ExitStack, container_id: str, others: Iterable[Container]) -> None:
        """Keep a container that has passed its checks: remove the others, and give it the app's name."""
        with ExitStack() as afterwards:
            with deferred():
                undo.pop_all()
                afterwards.callback(self._give_name, container_id)
                for one in others:
                    afterwards.callback(self._remove, one.id)
            for one in others:  # an interrupt ends the wait, and they are removed anyway
                stop_and_remove(self.world.engine, self.app, one, self.emit)

    def _give_name(self, container_id: str) -> None:
        container = self.world.engine.container(container_id)
        if container and container.name != self.app.container_name:
            self.world.engine.rename(container_id, self.app.container_name)

    def _remove(self, container_id: str) -> None:
        """Remove a container; warn if that fails, so that the original error is not masked."""
        try:
            with deferred():
                self.world.engine.remove(container_id)
        except SeatrialError as error:
            self.emit(WarningEvent(text=f"cannot remove the container {container_id[:12]}: {error}"))

    def _restore(self, old: Container, began: float | None = None) -> None:
        """Start the old container again, even if it is still stopping, and emit whether it answers.

        `began` is when it was stopped.
        """
        engine = self.world.engine
        try:
            with deferred():
                engine.stop(old.id, grace=_RESTORE_GRACE)
                engine.start(old.id)
        except SeatrialError as error:
            self.emit(WarningEvent(text=f"cannot restart the old container {old.name}: {error}"))
            return
        deadline = time.monotonic() + self.app.smoke_timeout
        while not self._answers():
            again = engine.container(old.id)
            if again is None or not again.running or time.monotonic() > deadline:
                self.emit(WarningEvent(text=f"the old container {old.name} was restarted but does not answer"))
                return
            time.sleep(_POLL_SECONDS)
        gap = f", after {time.monotonic() - began:.1f} s without service" if began else ""
        self.emit(Info(text=f"the old container {old.name} serves again{gap}"))

    def _answers(self) -> bool:
        """Return whether an app answers on the port; a 502, 503 or 504 does not count."""
        check = next((one for one in self.app.checks if not one.uses_version), Check(scheme=self.app.checks[0].scheme))
        base_url = BaseUrl(host=self.world.engine.published_host, port=self.app.host_port, scheme=check.scheme)
        try:
            response = send(base_url, Request(path=check.path), seconds=1)
        except OSError:
            return False
        return response.status not in _NOT_THERE
