"""stop: the app serves no more."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.protocol import Emit
from seatrial.model.app import App
from seatrial.pipeline.step import Change, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.serve.serving import Serving, app_lock, stop_and_remove

__all__ = ["Stop"]


@dataclass(frozen=True, kw_only=True)
class Stop:
    """No container of this project serves the app; somebody else's is left alone.

    It gets the app's grace to finish what it is answering.
    """

    target: App
    name: str = "stop"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    def plan(self, world: World) -> Change | NoChange:
        """Look for the container."""
        serving = Serving.of(world, self.target)
        container = serving.container
        if container is None:
            if serving.leftover_reason is None:
                return NoChange(message=f"{self.app} is not running")
            before = serving.leftovers[0].id if serving.leftovers else None
            return Change(would="clean up", done="cleaned up", reason=serving.leftover_reason, before=before)
        if container.running:
            grace = f"it gets {self.target.stop_grace:g} s to finish"
            return Change(would=f"stop {self.app}", done=f"stopped {self.app}", reason=grace, before=container.id)
        name = f"the container {container.name}, which had ended"
        return Change(would=f"remove {name}", done=f"removed {name}", before=container.id)

    def apply(self, world: World, change: Change, emit: Emit) -> None:  # noqa: ARG002  every step's signature
        """Let it end by itself, then remove it and what killed runs left."""
        with app_lock(world, self.target, "stop", emit):
            serving = Serving.of(world, self.target)
            for rule in serving.redirects:
                world.redirects.remove(rule)
            for one in (*([serving.container] if serving.container else []), *serving.leftovers):
                stop_and_remove(world, self.target, one, emit, drain=False)
