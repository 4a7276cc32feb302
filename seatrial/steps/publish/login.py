"""login: the registry accepts the user's password, and Docker stores it."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.protocol import Emit
from seatrial.errors import UsageError
from seatrial.model.reference import DOCKER_HUB
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import Change, Explanation, NoChange, Step
from seatrial.pipeline.world import World
from seatrial.registry.credentials import AUTH_CONFIG, Credential

__all__ = ["Login"]


@dataclass(frozen=True, kw_only=True)
class Login(Step):
    """Docker's configuration holds `credential` for the registry, which accepts it.

    `from_stdin` is whether a script takes the password from its standard input.
    """

    registry: str
    credential: Credential
    from_stdin: bool = False
    name: str = "login"

    def plan(self, world: World) -> Change | NoChange:
        """Check the new credential at the registry, and compare it with the saved one."""
        registry = world.registry(self.registry)
        world.retry_policy.call(lambda: registry.check_login(self.credential), world.emit)
        saved = registry.credential()
        if saved and saved.origin == AUTH_CONFIG and saved != self.credential:
            raise UsageError(
                f"cannot log in to {self.registry} as {self.credential.user}",
                reason=f"{AUTH_CONFIG} has credentials for it, which Docker would use instead",
                hint=f"unset {AUTH_CONFIG}",
            )
        if saved == self.credential:
            return NoChange(
                message=f"logged in to {self.registry} as {self.credential.user}", identity=self.credential.user
            )
        if saved is None:
            reason = ""
        elif saved.user == self.credential.user:
            reason = "the saved password was different"
        else:
            reason = f"replaces the login of {saved.user}"
        as_user = f"in to {self.registry} as {self.credential.user}"
        return Change(
            would=f"log {as_user}",
            done=f"logged {as_user}",
            reason=reason,
            before=saved.user if saved and saved.user != self.credential.user else None,
            diff=(
                Difference(name=self.registry, before=saved.user if saved else None, after=self.credential.user),
                Difference(name="password", before="***" if saved else None, after="***"),
            ),
        )

    def explain(self, world: World) -> Explanation:
        """Return the login as a docker command, which asks for the password or reads it itself."""
        host = () if self.registry == DOCKER_HUB else (self.registry,)
        stdin = ("--password-stdin",) if self.from_stdin else ()
        command = ShellCommand(
            argv=("docker", "login", "--username", self.credential.user, *stdin, *host),
            object=f"registry {self.registry}",
            effect="accepts the password, which docker then stores for later commands",
        )
        return Explanation(commands=(command,))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Save the credential where Docker does."""
        world.registry(self.registry).save_credential(self.credential)
