"""A new container in the place of the one that serves: proved before, and without a gap where that can be had."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from seatrial.checks.http.base_url import Site
from seatrial.checks.http.request import Question, ask
from seatrial.engine.model import Container, Image
from seatrial.engine.protocol import Tell
from seatrial.errors import Conflict, ContainerFailed, SeatrialError, StepFailed
from seatrial.events import Caution, Note
from seatrial.host.firewall import Redirect
from seatrial.host.signals import unbroken
from seatrial.model.app import App
from seatrial.pipeline.world import World, unheard
from seatrial.steps.serve.serving import BEARER_LABEL, Serving, end, let_drain, stop_in_grace
from seatrial.steps.smoke.smoke_container import begin, prove, spec_for

__all__ = ["Swap"]

_BACK_GRACE = 1.0
_LOOK_AGAIN_SECONDS = 0.02
_NOT_THERE = (502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Swap:
    """The container that is to serve the app: of which image, with which labels.

    The image is proved in a second container beside the one that serves, which is not touched before that. Whatever
    fails or interrupts, what served before serves afterwards, and nothing new is left.
    """

    world: World
    app: App
    image: Image
    labels: dict[str, str]
    tell: Tell

    def carry_out(self, now: Serving) -> None:
        """Put the new container in the place of what there is."""
        for one in now.idle:
            self._remove(one.id)
        old = now.container
        elsewhere = old and old.running and not old.publishes(self.app.host_port)
        with ExitStack() as undo:
            if elsewhere or not now.answers:
                self._beside(now, undo)
                return
            obstacle = self.world.redirects.obstacle()
            with self._second(bears=obstacle is None) as (second, keeping):
                rule = Redirect(
                    owner=self.app.container_name,
                    run=self.world.process.run,
                    port=self.app.host_port,
                    to_port=second.ports[self.app.port],
                )
                with self._redirect(rule, obstacle, keeping) as why_not:
                    if why_not:
                        self._plainly(now, why_not, undo)
                    else:
                        self._redirected(now, rule, undo)

    def tidy(self, now: Serving) -> None:
        """Leave the container that serves, and nothing of what killed runs left beside it.

        One that a killed run could not name any more is proved first; if it fails, what served before it does again.
        """
        name = self.app.container_name
        heir = now.container if now.container and now.container.name != name else None
        for rule in now.rules:
            self.world.redirects.remove(rule)
        with ExitStack() as undo:
            if heir:
                undo.callback(self._take_back, heir.id)
                if before := next((one for one in now.left if one.name == name), None):
                    undo.callback(self._bring_back, before, heir.id, self.app.host_port)
                self._prove(heir.id)
            undo.pop_all()
        for one in now.left:
            self._remove(one.id)
        if heir:
            self.world.engine.rename(heir.id, name)

    def _beside(self, now: Serving, undo: ExitStack) -> None:
        """Start the new one where nothing is in its way, and end the old one when it is proved."""
        self._take_left(now, undo)
        name, port = self.app.container_name, self.app.host_port
        if any(rule.port == port for rule in self.world.redirects.there(name) or ()):
            why = f"port {port} is redirected by it"
            raise Conflict(f"another run of {name} is under way", why=why, mend="run it again later")
        new = self._create("next", self.app.host_port, undo)
        self._start(new, host_port=self.app.host_port)
        self._prove(new)
        self._settle(new, now, undo)

    def _plainly(self, now: Serving, obstacle: str, undo: ExitStack) -> None:
        """Stop the old one, start the new one: there is a gap, which is told."""
        new = self._create("next", self.app.host_port, undo)
        self._bring_back_later(now, new, self.app.host_port, undo)
        began = time.monotonic()
        try:
            self._stop(now)
            self._take_left(now, undo)
            self._start(new, host_port=self.app.host_port)
            self._prove(new, quietly=True)
            gap = time.monotonic() - began
            self._settle(new, now, undo)
        except BaseException:
            undo.close()  # before the second one goes, which takes its time
            raise
        self.tell(Note(text=f"{gap:.1f} s without service: {obstacle}"))

    def _redirected(self, now: Serving, rule: Redirect, undo: ExitStack) -> None:
        """Let the second one serve while the new one takes the old one's port; the redirect is there already."""
        redirects = self.world.redirects
        with redirects.past(rule) as entrance:
            try:
                self._take_left(now, undo)
                if now.container:
                    let_drain(self.world, self.app, now.container)
                new = self._create("next", self.app.host_port, undo)
                self._bring_back_later(now, new, entrance, undo)
                self._stop(now)
                self._start(new, host_port=self.app.host_port)
                self._prove(new, at=entrance, quietly=True)
                undo.callback(self._close, new, rule)
                redirects.remove(rule)
                self._prove(new, quietly=True)
                self._settle(new, now, undo)
            except BaseException:
                undo.close()  # by the side entrance
                raise
        self.tell(Note(text="new connections were redirected to a second container meanwhile"))

    def _close(self, new: str, rule: Redirect) -> None:
        """Let the second one serve again instead of a new one that serves already."""
        with unbroken():
            self.world.redirects.put(rule)
            if container := self.world.engine.container(new):
                let_drain(self.world, self.app, container)

    def _take_left(self, now: Serving, undo: ExitStack) -> None:
        """Take away what killed runs redirected; where one of their containers serves, it does again if need be."""
        for rule in now.rules:
            if any(rule.to_port in one.ports.values() for one in now.bearers):
                undo.callback(self.world.redirects.put, rule)
            self.world.redirects.remove(rule)

    @contextmanager
    def _redirect(self, rule: Redirect, obstacle: str | None, behind: ExitStack) -> Iterator[str | None]:
        """Redirect meanwhile, or say why it cannot be; what it leads to stays while it cannot be taken away."""
        why_not = obstacle
        try:
            why_not = why_not or self._begin_redirect(rule)
            yield why_not
        finally:
            if why_not is None:
                try:
                    self.world.redirects.remove(rule)
                except StepFailed:
                    behind.pop_all()
                    raise

    def _begin_redirect(self, rule: Redirect) -> str | None:
        """Redirect from now on, or say why it cannot be: it is tried on a port that nobody uses before."""
        redirects = self.world.redirects
        try:
            with redirects.past(replace(rule, port=rule.to_port)) as door:
                if not self._answers(door):
                    return "redirected connections do not reach a container here"
            redirects.put(rule)
        except StepFailed as error:
            return f"{error.what} ({' '.join(error.details) or error.why})"
        return None

    @contextmanager
    def _second(self, *, bears: bool) -> Iterator[tuple[Container, ExitStack]]:
        """Give a container beside the one that serves, started and proved, and what removes it in the end.

        `bears` is whether connections may be redirected to it.
        """
        with ExitStack() as undo:
            name = self._create("second", 0, undo, {BEARER_LABEL: "1"} if bears else None)
            self._start(name, host_port=0)
            self._prove(name)
            container = self.world.engine.container(name)
            if container is None or not container.running:
                raise ContainerFailed(f"{name} is gone", why="somebody removed or stopped it", mend="run it again")
            try:
                yield container, undo
            except BaseException:
                let_drain(self.world, self.app, container)  # it may have served for a moment
                raise
            end(self.world, self.app, container, self.tell, drain=True)

    def _create(self, role: str, host_port: int, undo: ExitStack, more: Mapping[str, str] | None = None) -> str:
        """Create a container and give its name; it is removed when what comes then is taken back."""
        name = f"{self.app.container_name}-{role}-{self.world.process.run}"
        undo.callback(self._take_back, name)
        labels = {**self.labels, **self.world.process.labels, **(more or {})}
        with unbroken():  # else it may come into being behind the back of who takes it back
            spec = spec_for(self.app, self.image, name=name, host_port=host_port, labels=labels)
            self.world.engine.create(spec, self.tell)
        return name

    def _remove(self, what: str) -> None:
        with unbroken():
            self.world.engine.remove(what)

    def _take_back(self, what: str) -> None:
        """Remove what was made; why it was in vain is to be told, not that this fails as well."""
        try:
            self._remove(what)
        except SeatrialError as error:
            self.tell(Caution(text=f"{what} is left behind: {error}"))

    def _start(self, name: str, *, host_port: int) -> None:
        begin(self.world.engine, self.app, self.image, name, host_port=host_port)

    def _prove(self, name: str, *, at: int | None = None, quietly: bool = False) -> None:
        prove(self.world.engine, self.app, self.image, name, unheard if quietly else self.tell, at=at)

    def _stop(self, now: Serving) -> None:
        if now.container and now.container.running:
            stop_in_grace(self.world.engine, self.app, now.container, self.tell)

    def _settle(self, new: str, now: Serving, undo: ExitStack) -> None:
        """Give the new container the app's name: from here on it is what serves. Then all others go."""
        engine, name = self.world.engine, self.app.container_name
        known = [*([now.container] if now.container else []), *now.left]
        with ExitStack() as afterwards:
            with unbroken():
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
                end(self.world, self.app, one, self.tell, drain=True)

    def _bring_back_later(self, now: Serving, new: str, port: int, undo: ExitStack) -> None:
        """Let the old container serve again when what comes then is taken back; `port` leads to it."""
        if now.container and now.container.running:
            undo.callback(self._bring_back, now.container, new, port)

    def _bring_back(self, old: Container, new: str, port: int) -> None:
        """Start it anew, also out of the middle of its end, and wait until it answers."""
        engine = self.world.engine
        with unbroken():
            try:
                engine.remove(new)
                engine.stop(old.id, grace=_BACK_GRACE)
                engine.start(old.id)
            except SeatrialError as error:
                self.tell(Caution(text=f"the old container {old.name} does not start again: {error}"))
                return
        deadline = time.monotonic() + self.app.smoke_timeout
        while not self._answers(port):
            again = engine.container(old.id)
            if again is None or not again.running or time.monotonic() > deadline:
                self.tell(Caution(text=f"the old container {old.name} was started again and does not answer"))
                return
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _answers(self, port: int) -> bool:
        """Whether anything comes from there but that nobody is there yet."""
        path = next((check.path for check in self.app.checks if not check.asks_for_the_version), "/")
        try:
            return ask(Site(port=port), Question(path=path), seconds=1).status not in _NOT_THERE
        except OSError:
            return False
