"""run: a container serves the app on its port."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.engine.model import Container, Image
from seatrial.engine.protocol import Emit
from seatrial.model.version import Version
from seatrial.pipeline.explanation import explained_image
from seatrial.pipeline.outcome import Difference, Results
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.serve.explain import explain_run
from seatrial.steps.serve.replacement import Replacement
from seatrial.steps.serve.serving import Serving, app_lock
from seatrial.wording import short_digest, spaced_size

__all__ = ["Run"]

_OPTIONS_LABEL = "seatrial.options"
_ENVIRONMENT = "environment "


@dataclass(frozen=True, kw_only=True)
class Run(AppStep):
    """A container of this image serves the app on 127.0.0.1, with these options.

    If another container serves the app, the image is first checked in a container beside it; see `Replacement`.
    """

    version: Version | None
    name: str = "run"

    def address(self, world: World) -> str:
        """Return the URL where the app is served: on this machine, or on the engine's."""
        return f"{self.target.checks[0].scheme}://{world.engine.published_host}:{self.target.host_port}/"

    def host_port(self, world: World) -> int:
        """Return the port where the app is served: the one that its image exposes if the settings name none."""
        if "host_port" not in self.target.unset or "port" not in self.target.unset:
            return self.target.host_port
        named = self.version and self.target.repository.with_tag(str(self.version))
        image = world.image(named) if named else world.current(self.target)
        return self.target.in_image(image.exposed if image else ()).host_port

    def plan(self, world: World) -> Change | NoChange:
        """Compare image and options with those of the serving container."""
        image = world.image_for(self.target, self.version)
        return replace(self, target=self.target.in_image(image.exposed)).plan_for(image, world)

    def explain(self, world: World) -> Explanation:
        """Return the start of the container as docker commands."""
        image = explained_image(world, self.target, self.version)
        step = replace(self, target=self.target.in_image(image.exposed))
        public = {key: value for key, value in step.options.items() if not key.startswith(_ENVIRONMENT)}
        return explain_run(step.target, image, world, labels={_OPTIONS_LABEL: json.dumps(public)})

    def plan_for(self, image: Image, world: World) -> Change | NoChange:
        """Return the plan for this image, on the port that it exposes if the settings name none."""
        serving = Serving.of(world, self.target)
        container = serving.container
        if container is None:
            return self._start(world, image, "")
        if difference := self._difference(container, image):
            return self._start(world, image, difference, container)
        if serving.unfinished:
            return Change(would="clean up", done="cleaned up", reason=serving.leftover_reason)
        address = self.address(world)
        results = Results(image=image, address=address)
        return NoChange(message=f"{image.name} runs at {address}", identity=container.id, results=results)

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Replace the container, or if the right one serves already, clean up what killed runs left."""
        image = world.image_for(self.target, self.version)
        replace(self, target=self.target.in_image(image.exposed)).apply_for(image, world, emit)

    def apply_for(self, image: Image, world: World, emit: Emit) -> None:
        """Carry out the plan for this image."""
        labels = {_OPTIONS_LABEL: json.dumps(self.options)}
        replacement = Replacement(world=world, app=self.target, image=image, labels=labels, emit=emit)
        with app_lock(world, self.target, f"run of {image.name}", emit):
            serving = Serving.of(world, self.target)
            if serving.container is None or self._difference(serving.container, image):
                replacement.carry_out(serving)
            else:
                replacement.clean_up(serving.container, serving.leftovers)

    def _start(self, world: World, image: Image, reason: str, container: Container | None = None) -> Change:
        where = f"{image.name} at {self.address(world)}"
        return Change(
            would=f"start {where}",
            done=f"started {where}",
            reason=reason,
            before=container.id if container else None,
            results=Results(image=image),
            diff=tuple(self._diff(world, image, container)),
        )

    def _diff(self, world: World, image: Image, container: Container | None) -> Iterator[Difference]:
        """Yield how this container differs from what is wanted; of the environment's values only their names."""
        if container is None:
            yield Difference(name=self.target.container_name, before=None, after=image.name)
            return
        if container.image_id != image.id:
            old = world.engine.image(container.image_id)
            name = old.name if old else short_digest(container.image_id)
            yield Difference(name="image", before=name, after=image.name)
        if not container.running:
            ended = f"{container.state} (exit code {container.exit_code})"
            yield Difference(name=container.name, before=ended, after="running")
        before, now = self._options_of(container), self.options
        for key in self._differing(container):
            yield Difference(name=key, before=_shown(key, before.get(key)), after=_shown(key, now.get(key)))

    def _difference(self, container: Container, image: Image) -> str | None:
        """Return how this container differs from what is wanted, or None."""
        if container.image_id != image.id:
            return f"it replaces image {short_digest(container.image_id)}"
        if not container.running:
            return f"its container ended with exit code {container.exit_code}"
        differing = self._differing(container)
        return f"changed options: {', '.join(differing)}" if differing else None

    @property
    def options(self) -> dict[str, str | int | float | list[str]]:
        """The options for the container's label; of the environment's values only digests."""
        app = self.target
        limits: dict[str, str | int | float | list[str]] = {"memory": app.memory, "pids": app.pids}
        if app.cpus is not None:
            limits["cpus"] = app.cpus
        if app.tmpfs:
            limits["tmpfs"] = sorted(app.tmpfs)
        if app.volumes:
            limits["volumes"] = sorted(f"{name}:{path}" for path, name in app.volume_names.items())
        secret = {f"{_ENVIRONMENT}{key}": _value_digest(value) for key, value in sorted(app.environment.items())}
        return {"port": app.port, "host_port": app.host_port, **limits, **secret}

    @staticmethod
    def _options_of(container: Container) -> dict[str, object]:
        try:
            found = json.loads(container.labels.get(_OPTIONS_LABEL, "{}"))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _differing(self, container: Container) -> list[str]:
        before, serving = self._options_of(container), self.options
        return [key for key in sorted({*before, *serving}) if before.get(key) != serving.get(key)]


def _shown(key: str, value: object) -> str | None:
    """Return an option's value for people; the environment's are only known by their digests."""
    if value is None:
        return None
    if key.startswith(_ENVIRONMENT):
        return "***"
    if key == "memory" and isinstance(value, int):
        return spaced_size(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _value_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
