"""Replace the serving container with a new one that was checked before, without downtime where possible."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send
from seatrial.engine.model import Container, Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, ContainerFailed, SeatrialError, StepFailed
from seatrial.events import Info, WarningEvent
from seatrial.host.firewall import Redirect
from seatrial.host.signals import deferred
from seatrial.model.app import App
from seatrial.pipeline.world import World, ignore
from seatrial.steps.serve.serving import (
    REDIRECT_TARGET_LABEL,
    Serving,
    drain_connections,
    stop_and_remove,
    stop_within_grace,
)
from seatrial.steps.smoke.smoke_container import run_checks, spec_for, start_container

__all__ = ["Swap"]

_RESTORE_GRACE = 1.0
_POLL_SECONDS = 0.02
_NOT_THERE = (502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Swap:
    """The container that shall serve the app: its image and labels.

    The image is checked in a second container first; the serving one is not touched before that. After an error or an
    interrupt the container that served before serves again, and nothing new is left.
    """

    world: World
    app: App
    image: Image
    labels: dict[str, str]
    emit: Emit

    def carry_out(self, serving: Serving) -> None:
        """Replace what serves with the new container."""
        for one in serving.idle_leftovers:
            self._remove(one.id)
        old = serving.container
        elsewhere = old and old.running and not old.publishes(self.app.host_port)
        with ExitStack() as undo:
            if elsewhere or not serving.answers:
                self._swap_on_free_port(serving, undo)
                return
            unavailable_reason = self.world.redirects.unavailable_reason()
            with self._second_container(is_redirect_target=unavailable_reason is None) as (second, undo_second):
                rule = Redirect(
                    owner=self.app.container_name,
                    run=self.world.process.run,
                    port=self.app.host_port,
                    to_port=second.ports[self.app.port],
                )
                with self._redirect(rule, unavailable_reason, undo_second) as failure_reason:
                    if failure_reason:
                        self._swap_with_gap(serving, failure_reason, undo)
                    else:
                        self._swap_with_redirect(serving, rule, undo)

    def clean_up(self, serving: Serving) -> None:
        """Keep the serving container, and remove everything else that killed runs left.

        A container that a killed run did not rename is checked first; if it fails, the one before it serves again.
        """
        name = self.app.container_name
        unnamed_container = serving.container if serving.container and serving.container.name != name else None
        for rule in serving.redirects:
            self.world.redirects.remove(rule)
        with ExitStack() as undo:
            if unnamed_container:
                undo.callback(self._remove_created, unnamed_container.id)
                if before := next((one for one in serving.leftovers if one.name == name), None):
                    undo.callback(self._restore, before, unnamed_container.id, self.app.host_port)
                self._run_checks(unnamed_container.id)
            undo.pop_all()
        for one in serving.leftovers:
            self._remove(one.id)
        if unnamed_container:
            self.world.engine.rename(unnamed_container.id, name)

    def _swap_on_free_port(self, serving: Serving, undo: ExitStack) -> None:
        """Start the new container on a free port, and stop the old one once the new one has passed its checks."""
        self._remove_old_redirects(serving, undo)
        name, port = self.app.container_name, self.app.host_port
        if any(rule.port == port for rule in self.world.redirects.list(name) or ()):
            reason = f"it redirects port {port}"
            raise Conflict(f"another run of {name} is in progress", reason=reason, hint="run it again later")
        new = self._create("next", self.app.host_port, undo)
        self._start(new, host_port=self.app.host_port)
        self._run_checks(new)
        self._take_over_name(new, serving, undo)

    def _swap_with_gap(self, serving: Serving, unavailable_reason: str, undo: ExitStack) -> None:
        """Stop the old container and start the new one; emit how long the app was down."""
        new = self._create("next", self.app.host_port, undo)
        self._restore_on_failure(serving, new, self.app.host_port, undo)
        began = time.monotonic()
        try:
            self._stop(serving)
            self._remove_old_redirects(serving, undo)
            self._start(new, host_port=self.app.host_port)
            self._run_checks(new, quiet=True)
            gap = time.monotonic() - began
            self._take_over_name(new, serving, undo)
        except BaseException:
            undo.close()  # before the second container is removed, which takes a while
            raise
        self.emit(Info(text=f"the app was down for {gap:.1f} s: {unavailable_reason}"))

    def _swap_with_redirect(self, serving: Serving, rule: Redirect, undo: ExitStack) -> None:
        """Let the second container serve while the new one takes the old one's port; the redirect is there already."""
        redirects = self.world.redirects
        with redirects.bypass(rule) as bypass_port:
            try:
                self._remove_old_redirects(serving, undo)
                if serving.container:
                    drain_connections(self.world, self.app, serving.container)
                new = self._create("next", self.app.host_port, undo)
                self._restore_on_failure(serving, new, bypass_port, undo)
                self._stop(serving)
                self._start(new, host_port=self.app.host_port)
                self._run_checks(new, via_port=bypass_port, quiet=True)
                undo.callback(self._redirect_again, new, rule)
                redirects.remove(rule)
                self._run_checks(new, quiet=True)
                self._take_over_name(new, serving, undo)
            except BaseException:
                undo.close()  # while the bypass is still there
                raise
        self.emit(Info(text="new connections were redirected to a second container during the swap"))

    def _redirect_again(self, new: str, rule: Redirect) -> None:
        """Let the second container serve again, instead of the new one that serves already."""
        with deferred():
            self.world.redirects.put(rule)
            if container := self.world.engine.container(new):
                drain_connections(self.world, self.app, container)

    def _remove_old_redirects(self, serving: Serving, undo: ExitStack) -> None:
        """Remove redirects left by killed runs; on failure restore those whose container was serving."""
        for rule in serving.redirects:
            if any(rule.to_port in one.ports.values() for one in serving.redirect_targets):
                undo.callback(self.world.redirects.put, rule)
            self.world.redirects.remove(rule)

    @contextmanager
    def _redirect(self, rule: Redirect, unavailable_reason: str | None, behind: ExitStack) -> Iterator[str | None]:
        """Redirect for the block, or yield why not; keep the target if the redirect cannot be removed."""
        failure_reason = unavailable_reason
        try:
            failure_reason = failure_reason or self._try_redirect(rule)
            yield failure_reason
        finally:
            if failure_reason is None:
                try:
                    self.world.redirects.remove(rule)
                except StepFailed:
                    behind.pop_all()
                    raise

    def _try_redirect(self, rule: Redirect) -> str | None:
        """Redirect from now on, or return why not; first try it on a port that is not in use."""
        redirects = self.world.redirects
        try:
            with redirects.bypass(replace(rule, port=rule.to_port)) as bypass_port:
                if not self._answers(bypass_port):
                    return "redirected connections do not reach a container here"
            redirects.put(rule)
        except StepFailed as error:
            return f"{error.message} ({' '.join(error.details) or error.reason})"
        return None

    @contextmanager
    def _second_container(self, *, is_redirect_target: bool) -> Iterator[tuple[Container, ExitStack]]:
        """Yield a second container that has passed its checks, and the stack that removes it in the end.

        `is_redirect_target` is whether connections may be redirected to it.
        """
        with ExitStack() as undo:
            name = self._create("second", 0, undo, {REDIRECT_TARGET_LABEL: "1"} if is_redirect_target else None)
            self._start(name, host_port=0)
            self._run_checks(name)
            container = self.world.engine.container(name)
            if container is None or not container.running:
                raise ContainerFailed(f"{name} is gone", reason="somebody removed or stopped it", hint="run it again")
            try:
                yield container, undo
            except BaseException:
                drain_connections(self.world, self.app, container)  # it may have served already
                raise
            stop_and_remove(self.world, self.app, container, self.emit, drain=True)

    def _create(self, role: str, host_port: int, undo: ExitStack, more: Mapping[str, str] | None = None) -> str:
        """Create a container and return its name; it is removed if the swap fails."""
        name = f"{self.app.container_name}-{role}-{self.world.process.run}"
        undo.callback(self._remove_created, name)
        labels = {**self.labels, **self.world.process.labels, **(more or {})}
        with deferred():  # otherwise an interrupt could leave a container that is not removed
            spec = spec_for(self.app, self.image, name=name, host_port=host_port, labels=labels)
            self.world.engine.create(spec, self.emit)
        return name

    def _remove(self, what: str) -> None:
        with deferred():
            self.world.engine.remove(what)

    def _remove_created(self, what: str) -> None:
        """Remove a container; warn if that fails, so that the original error is not masked."""
        try:
            self._remove(what)
        except SeatrialError as error:
            self.emit(WarningEvent(text=f"cannot remove {what}: {error}"))

    def _start(self, name: str, *, host_port: int) -> None:
        start_container(self.world.engine, self.app, self.image, name, host_port=host_port)

    def _run_checks(self, name: str, *, via_port: int | None = None, quiet: bool = False) -> None:
        run_checks(self.world.engine, self.app, self.image, name, ignore if quiet else self.emit, via_port=via_port)

    def _stop(self, serving: Serving) -> None:
        if serving.container and serving.container.running:
            stop_within_grace(self.world.engine, self.app, serving.container, self.emit)

    def _take_over_name(self, new: str, serving: Serving, undo: ExitStack) -> None:
        """Rename the new container to the app's name, so that it is the serving one; then remove all others."""
        engine, name = self.world.engine, self.app.container_name
        known = [*([serving.container] if serving.container else []), *serving.leftovers]
        with ExitStack() as afterwards:
            with deferred():
                others = [one for one in (engine.container(each.id) for each in known) if one]
                with ExitStack() as back:
                    for one in others:
                        if one.name == name:
                            engine.rename(one.id, f"{name}-before-{self.world.process.run}")
                            back.callback(engine.rename, one.id, name)
                    engine.rename(new, name)
                    back.pop_all()
                undo.pop_all()
                for one in others:
                    afterwards.callback(self._remove, one.id)
            for one in others:
                stop_and_remove(self.world, self.app, one, self.emit, drain=True)

    def _restore_on_failure(self, serving: Serving, new: str, port: int, undo: ExitStack) -> None:
        """Restart the old container if the swap fails; `port` leads to it."""
        if serving.container and serving.container.running:
            undo.callback(self._restore, serving.container, new, port)

    def _restore(self, old: Container, new: str, port: int) -> None:
        """Restart the old container, even if it is still stopping, and wait until it answers."""
        engine = self.world.engine
        with deferred():
            try:
                engine.remove(new)
                engine.stop(old.id, grace=_RESTORE_GRACE)
                engine.start(old.id)
            except SeatrialError as error:
                self.emit(WarningEvent(text=f"cannot restart the old container {old.name}: {error}"))
                return
        deadline = time.monotonic() + self.app.smoke_timeout
        while not self._answers(port):
            again = engine.container(old.id)
            if again is None or not again.running or time.monotonic() > deadline:
                self.emit(WarningEvent(text=f"the old container {old.name} was restarted but does not answer"))
                return
            time.sleep(_POLL_SECONDS)

    def _answers(self, port: int) -> bool:
        """Return whether an app answers on the port; a 502, 503 or 504 does not count."""
        path = next((check.path for check in self.app.checks if not check.uses_version), "/")
        try:
            return send(BaseUrl(port=port), Request(path=path), seconds=1).status not in _NOT_THERE
        except OSError:
            return False
