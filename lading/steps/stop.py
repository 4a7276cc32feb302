"""stop: the app serves no more."""

from __future__ import annotations

from dataclasses import dataclass

from lading.app import App
from lading.engine import Tell
from lading.step import Change, Holds
from lading.steps.run import left_behind, ours
from lading.world import World

__all__ = ["Stop"]

_GRACE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Stop:
    """No container of this project serves the app; somebody else's is left alone."""

    target: App
    name: str = "stop"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    def plan(self, world: World) -> Change | Holds:
        """Look for the container."""
        container = ours(world.engine, self.target)
        if container is None:
            left = left_behind(world, self.target)
            if left:
                return Change(reason=f"a run that was killed left {left[0].name}", before=left[0].id)
            return Holds(reason=f"nothing serves {self.app}")
        state = "serves" if container.running else "has ended and is still there"
        return Change(reason=f"{container.name} {state}", before=container.id)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Let it end by itself, then remove it and what killed runs left."""
        container = ours(world.engine, self.target)
        for one in (*([container] if container else []), *left_behind(world, self.target)):
            world.engine.stop(one.id, grace=_GRACE_SECONDS)
            world.engine.remove(one.id)
