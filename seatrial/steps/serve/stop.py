"""stop: no container serves the app."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.model import Container
from seatrial.engine.protocol import Emit
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.serve.explain import end_commands
from seatrial.steps.serve.serving import Serving, app_lock, stop_and_remove

__all__ = ["Stop"]


@dataclass(frozen=True, kw_only=True)
class Stop(AppStep):
    """No container of this project serves the app; other containers are left alone.

    A running one gets the app's `stop_grace` to finish its requests.
    """

    name: str = "stop"

    def plan(self, world: World) -> Change | NoChange:
        """Look for the serving container."""
        serving = Serving.of(world, self.target)
        container = serving.container
        if container is None:
            if serving.unfinished is None:
                return NoChange(message=f"{self.app} is not running")
            before = serving.unfinished.id
            diff = tuple(_removed(one) for one in serving.all)
            return Change(would="clean up", done="cleaned up", reason=serving.leftover_reason, before=before, diff=diff)
        if container.running:
            would = f"stop {self.app}, with {self.target.stop_grace:g} s to finish its requests"
            return Change(would=would, done=f"stopped {self.app}", before=container.id, diff=(_removed(container),))
        name = f"the container {container.name}, which had ended"
        diff = (_removed(container),)
        return Change(would=f"remove {name}", done=f"removed {name}", before=container.id, diff=diff)

    def explain(self, world: World) -> Explanation:
        """Return the end of the container as docker commands."""
        return Explanation(commands=end_commands(self.target), notes=("removes what killed runs left, too",))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Stop it within its grace, then remove it and what killed runs left."""
        with app_lock(world, self.target, "stop", emit):
            for one in Serving.of(world, self.target).all:
                stop_and_remove(world.engine, self.target, one, emit)


def _removed(container: Container) -> Difference:
    return Difference(name=container.name, before=container.state, after=None)
