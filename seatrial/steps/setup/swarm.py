"""up --swarm: the engine is a manager of a swarm."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.protocol import Emit
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.step import Change, Explanation, NoChange, Step
from seatrial.pipeline.world import World

__all__ = ["SwarmActive"]


@dataclass(frozen=True, kw_only=True)
class SwarmActive(Step):
    """The engine is a manager of a swarm; other nodes reach it at `address` (None: the only one that it has)."""

    address: str | None = None
    name: str = "swarm"

    def plan(self, world: World) -> Change | NoChange:
        """Look whether the engine is a manager."""
        endpoint = world.engine.endpoint
        if world.engine.swarm.is_manager():
            return NoChange(message="the engine is a manager of a swarm", identity=endpoint)
        what = "a swarm with this engine as its only node; it listens on port 2377"
        return Change(would=f"make {what}", done=f"made {what}", after=endpoint)

    def explain(self, world: World) -> Explanation:
        """Return the making of the swarm as a docker command."""
        words = ("--advertise-addr", self.address) if self.address else ()
        command = ShellCommand(
            argv=("docker", "swarm", "init", *words),
            object="the engine",
            effect="becomes the manager and only node of a new swarm",
        )
        return Explanation(commands=(command,))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Make the swarm."""
        world.engine.swarm.init(self.address)
