"""run: the app serves an image on its port."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from lading.app import App
from lading.engine import Container, ContainerSpec, Engine, Image, Tell
from lading.errors import ContainerFailed
from lading.step import Change, Holds
from lading.steps.holder import port_holder
from lading.steps.trial import named, prove, spec_for, try_out
from lading.version import Version
from lading.world import World

__all__ = ["Run", "ours"]

_OPTIONS_LABEL = "lading.options"
_GRACE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """A container of this image serves the app on 127.0.0.1, with these options.

    While one serves already, the image is proved beside it first; the old container goes when the new one has passed
    the checks in its place, and serves again when it does not.
    """

    target: App
    version: Version | None
    name: str = "run"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    @property
    def address(self) -> str:
        """Where the app is served on this machine."""
        return f"http://127.0.0.1:{self.target.host_port}/"

    def plan(self, world: World) -> Change | Holds:
        """Compare image and options with those of the container that serves."""
        image = world.chosen(self.target, self.version)
        container = ours(world.engine, self.target)
        if container is None:
            return Change(reason=f"nothing serves {self.app} yet", after=image.id)
        if container.image_id != image.id:
            reason = f"it serves another image than {named(image)}"
        elif not container.running:
            reason = f"its container has ended with exit code {container.exit_code}"
        elif differing := self._differing(container):
            reason = f"options differ: {', '.join(differing)}"
        else:
            return Holds(reason=f"{self.address} serves {named(image)}", identity=container.id)
        return Change(reason=reason, before=container.id)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Prove the image beside a container that serves, then put a new one in its place, or the old one back."""
        engine, image = world.engine, world.chosen(self.target, self.version)
        spec = self._spec(image, world)
        old = ours(engine, self.target)
        if old and old.running:
            try_out(world, self.target, image, tell)
        made: str | None = None
        try:
            if old:
                engine.stop(old.id, grace=_GRACE_SECONDS)
                engine.rename(old.id, f"{spec.name}-before-{world.process.run}")
            made = engine.create(spec, tell)
            self._start(engine, made)
            prove(engine, self.target, image, made, tell)
        except BaseException:
            if made:
                engine.remove(made)
            if old:
                _put_back(engine, old)
            raise
        if old:
            engine.remove(old.id)

    def _start(self, engine: Engine, container_id: str) -> None:
        try:
            engine.start(container_id)
        except ContainerFailed as error:
            if holder := port_holder(engine, self.target.host_port):
                raise ContainerFailed(
                    f"port {self.target.host_port} is taken",
                    why=f"{holder} holds it",
                    mend=f"invoke run --port {self.target.host_port + 1}, or end {holder}",
                ) from error
            raise

    def _spec(self, image: Image, world: World) -> ContainerSpec:
        labels = {_OPTIONS_LABEL: json.dumps(self._options()), **world.process.labels}
        port = self.target.host_port
        return spec_for(self.target, image, name=self.target.container_name, host_port=port, labels=labels)

    def _options(self) -> dict[str, str | int]:
        """Give what was asked for, for the container's label; values of the environment only as digests."""
        app = self.target
        secret = {f"environment {key}": _short_digest(value) for key, value in sorted(app.environment.items())}
        return {"port": app.port, "host_port": app.host_port, "memory": app.memory, **secret}

    def _differing(self, container: Container) -> list[str]:
        try:
            before = json.loads(container.labels.get(_OPTIONS_LABEL, "{}"))
        except ValueError:
            before = {}
        now = self._options()
        return [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]


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
        )
    return container


def _put_back(engine: Engine, old: Container) -> None:
    """Let a container serve again that was set aside."""
    now = engine.container(old.id)
    if now and now.name != old.name:
        engine.rename(old.id, old.name)
    if now and old.running:
        engine.start(old.id)


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
