"""login: a registry knows the user, and Docker keeps the credentials."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.protocol import Tell
from seatrial.pipeline.step import Change, Holds
from seatrial.pipeline.world import World
from seatrial.registry.credentials import Credential

__all__ = ["Login"]


@dataclass(frozen=True, kw_only=True)
class Login:
    """The registry accepts what Docker keeps for this user; `credential` is kept when it does not yet."""

    registry: str
    credential: Credential
    name: str = "login"
    app: str = ""

    def plan(self, world: World) -> Change | Holds:
        """Prove what is to be kept, and compare it with what is kept."""
        registry = world.registry(self.registry)
        world.patience.have(lambda: registry.prove(self.credential), world.tell)
        kept = registry.credential()
        if kept == self.credential:
            return Holds(reason=f"{self.credential.user} is known to {self.registry}", identity=self.credential.user)
        if kept is None:
            reason = f"nobody is logged in to {self.registry} yet"
        elif kept.user == self.credential.user:
            reason = f"the password kept for {kept.user} is another one"
        else:
            reason = f"{kept.user} is logged in to {self.registry}"
        return Change(reason=reason, before=kept.user if kept and kept.user != self.credential.user else None)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Keep the credentials where Docker does."""
        world.registry(self.registry).keep(self.credential)
