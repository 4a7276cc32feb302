"""stop: the app serves no more."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.protocol import Tell
from seatrial.model.app import App
from seatrial.pipeline.step import Change, Holds
from seatrial.pipeline.world import World
from seatrial.steps.serve.serving import Serving, end, undisturbed

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

    def plan(self, world: World) -> Change | Holds:
        """Look for the container."""
        now = Serving.of(world, self.target)
        container = now.container
        if container is None:
            if now.remains is None:
                return Holds(reason=f"nothing serves {self.app}")
            return Change(reason=now.remains, before=now.left[0].id if now.left else None)
        if container.running:
            state = f"serves; it gets {self.target.stop_grace:g} s to finish"
        else:
            state = "has ended and is still there"
        return Change(reason=f"{container.name} {state}", before=container.id)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Let it end by itself, then remove it and what killed runs left."""
        with undisturbed(world, self.target, "stop", tell):
            now = Serving.of(world, self.target)
            for rule in now.rules:
                world.redirects.remove(rule)
            for one in (*([now.container] if now.container else []), *now.left):
                end(world, self.target, one, tell, drain=False)
