"""deploy --rollback: the service runs what it ran before its last update."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Service
from seatrial.errors import StepFailed
from seatrial.pipeline.outcome import Results
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.deploy.deploy import service_lock
from seatrial.steps.deploy.explain import explain_command
from seatrial.steps.deploy.outside import follow_and_check, public_address
from seatrial.steps.deploy.progress import state_of
from seatrial.steps.deploy.rollout import Rollout
from seatrial.steps.deploy.service import differences, record, require_service, version_label

__all__ = ["DeployRollback"]

_BACK = ("rollback_started", "rollback_completed")


@dataclass(frozen=True, kw_only=True)
class DeployRollback(AppStep):
    """The service runs the image, with the options, that it ran before its last update; Swarm knows them.

    A service that went back already is left as it is.
    """

    name: str = "deploy"

    def plan(self, world: World) -> Change[Service] | NoChange:
        """Look for the spec before the last update."""
        service = require_service(world, self.target)
        now, previous = service.spec.image_name, service.previous
        if service.update_state in _BACK:
            if missing := state_of(service, world.engine.swarm.tasks(service)):
                wait, digest = f"wait until {service.spec.name} serves {now} again", service.spec.digest
                return Change(would=wait, reason=missing, before=digest, after=digest, found=service)
            return self._done(world, service)
        if previous is None or previous.digest == service.spec.digest:
            raise StepFailed(
                f"cannot go back from {now}",
                reason="its last update did not change its image" if previous else "it was never updated",
                hint="invoke deploy --version VERSION",
                cause="nothing-before",
            )
        what = f"{service.spec.name} from {now} back to {previous.image_name}"
        return Change(
            would=f"take {what}",
            done=f"took {what}",
            before=service.spec.digest,
            after=previous.digest,
            diff=differences(service.spec, previous),
            found=service,
        )

    def explain(self, world: World) -> Explanation:
        """Return the way back as a docker command."""
        name, effect = self.target.container_name, "gets the image and options back that it had before its last update"
        notes = ("checks the app at each node that publishes its port",)
        return explain_command(name, "rollback", name, effect=effect, notes=notes)

    def apply(self, world: World, change: Change[Service], emit: Emit) -> None:
        """Let Swarm go back, follow it, and check the app from outside."""
        service = change.found
        is_back = service.update_state in _BACK
        wanted = (service.previous if not is_back else None) or service.spec
        image = Image(id=change.after or "", tags=(wanted.image_name,))
        with service_lock(world, self.target, "deploy --rollback", emit):
            known = frozenset(one.id for one in world.engine.swarm.tasks(service))
            if not is_back:
                world.engine.swarm.roll_back(service)
            rollout = Rollout(
                world=world,
                app=self.target,
                image=image,
                wanted=wanted,
                emit=emit,
                known=known,
                undo="nothing",
                back=True,
            )
            record(world, self.target, follow_and_check(rollout).spec, "deploy")

    def look_again(self, world: World, change: Change[Service]) -> Change[Service] | NoChange:
        """Return what runs now: another plan would go forward again."""
        return self._done(world, require_service(world, self.target))

    def _done(self, world: World, service: Service) -> NoChange:
        return NoChange(
            message=f"{service.spec.name} is back at {version_label(service.spec) or service.spec.image_name}",
            identity=service.spec.digest,
            results=Results(address=public_address(world, self.target, service)),
        )
