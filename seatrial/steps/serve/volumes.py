"""down --volumes: an app's data is deleted."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.protocol import Emit
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World

__all__ = ["VolumesDeleted"]


@dataclass(frozen=True, kw_only=True)
class VolumesDeleted(AppStep):
    """The named volumes of the setting `volumes` do not exist; others' volumes are left alone."""

    name: str = "volumes"

    def plan(self, world: World) -> Change | NoChange:
        """Look for the volumes that `run` created."""
        found = self._found(world)
        if not found:
            return NoChange(message=f"{self.app} has no volumes")
        names = ", ".join(found)
        diff = tuple(Difference(name=one, before="a volume", after=None) for one in found)
        return Change(would=f"delete {names}", done=f"deleted {names}", before=names, diff=diff)

    def explain(self, world: World) -> Explanation:
        """Return the deletion of the volumes as docker commands."""
        return Explanation(
            commands=tuple(
                ShellCommand(
                    argv=("docker", "volume", "rm", "--force", name),
                    object=f"volume {name}",
                    effect="is deleted with the app's data",
                )
                for name in self.target.volume_names.values()
            ),
            notes=("leaves a volume alone that another project has made",),
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Delete them."""
        for name in self._found(world):
            world.engine.remove_volume(name)

    def _found(self, world: World) -> list[str]:
        volumes = {name: world.engine.volume(name) for name in self.target.volume_names.values()}
        return [name for name, labels in volumes.items() if labels is not None and self.target.owns(labels)]
