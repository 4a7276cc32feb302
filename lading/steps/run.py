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

__all__ = ["Run", "left_behind", "ours"]

_OPTIONS_LABEL = "lading.options"
_GRACE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """A container of this image serves the app on 127.0.0.1, with these options.

    While one serves already, the image is proved beside it first; the old container goes when the new one has passed
    the checks on its port, and serves again when it does not.
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
            return Change(reason=f"nothing serves {self.app} yet")
        if container.image_id != image.id:
            reason = f"it serves another image than {named(image)}"
        elif not container.running:
            reason = f"its container has ended with exit code {container.exit_code}"
        elif differing := self._differing(container):
            reason = f"options differ: {', '.join(differing)}"
        elif left := left_behind(world, self.target):
            reason = f"a run that was killed left {left[0].name}"
        else:
            return Holds(reason=f"{self.address} serves {named(image)}", identity=container.id)
        return Change(reason=reason, before=container.id)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Prove the image beside a container that serves, then put a new one in its place.

        The new container gets the app's name only when it has passed, so that whatever has the name was proved.
        """
        engine, image = world.engine, world.chosen(self.target, self.version)
        for left in left_behind(world, self.target):
            engine.remove(left.id)
        old = ours(engine, self.target)
        if old and old.running:
            try_out(world, self.target, image, tell)
        made: str | None = None
        try:
            if old:
                engine.stop(old.id, grace=_GRACE_SECONDS)
            made = engine.create(self._spec(image, world), tell)
            self._start(engine, made)
            prove(engine, self.target, image, made, tell)
        except BaseException:
            if made:
                engine.remove(made)
            if old and old.running:
                engine.start(old.id)
            raise
        if old:
            engine.remove(old.id)
        engine.rename(made, self.target.container_name)

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
        name = f"{self.target.container_name}-next-{world.process.run}"
        return spec_for(self.target, image, name=name, host_port=port, labels=labels)

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


def left_behind(world: World, app: App) -> list[Container]:
    """Give the containers that killed runs left in the middle of a swap."""
    found = world.engine.containers(app.labels)
    return [one for one in found if one.name != app.container_name and world.process.outlived(one.labels)]


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
