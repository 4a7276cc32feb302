"""scale: the app's service has this many replicas."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Service
from seatrial.errors import StepFailed
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.deploy.deploy import service_lock
from seatrial.steps.deploy.explain import explain_command
from seatrial.steps.deploy.progress import state_of
from seatrial.steps.deploy.rollout import Rollout, Undo
from seatrial.steps.deploy.service import record, require_service
from seatrial.wording import pluralize

__all__ = ["Scale"]


@dataclass(frozen=True, kw_only=True)
class Scale(AppStep):
    """The app's service has this many replicas, and all of them serve; nothing else of it changes."""

    replicas: int
    name: str = "scale"

    def plan(self, world: World) -> Change[Service] | NoChange:
        """Compare the number of replicas."""
        service = require_service(world, self.target)
        now, wanted = service.spec.replicas, self.replicas
        if now is None:
            raise StepFailed(
                f"{service.spec.name} cannot be scaled",
                reason="it runs once on each node",
                hint=f"docker service inspect {service.spec.name}",
            )
        what = f"{service.spec.name} from {now} to {pluralize(wanted, 'replica')}"
        diff = (Difference(name="replicas", before=str(now), after=str(wanted)),) if now != wanted else ()
        change = Change(would=f"scale {what}", done=f"scaled {what}", before=service.identity, diff=diff, found=service)
        if diff:
            return change
        if missing := state_of(service, world.engine.swarm.tasks(service)):
            wait = f"wait until all of {service.spec.name} serves"
            return Change(would=wait, reason=missing, before=service.identity, found=service)
        message = f"{service.spec.name} has {pluralize(wanted, 'replica')}"
        return NoChange(message=message, identity=service.identity)

    def explain(self, world: World) -> Explanation:
        """Return the change as a docker command."""
        name, effect = self.target.container_name, f"gets {pluralize(self.replicas, 'replica')}"
        return explain_command(name, "scale", f"{name}={self.replicas}", effect=effect)

    def apply(self, world: World, change: Change[Service], emit: Emit) -> None:
        """Change the number, wait until all replicas serve, and record it in the ledger."""
        service, swarm = change.found, world.engine.swarm
        with service_lock(world, self.target, f"scale to {self.replicas}", emit):
            known = frozenset(one.id for one in swarm.tasks(service) if one.ended or change.diff)
            if change.diff:
                swarm.scale(service, self.replicas)
            image = Image(id=service.spec.digest, tags=(service.spec.image_name,))
            before = "" if change.diff else service.update_state
            undo: Undo = "roll back" if change.diff else "nothing"
            rollout = Rollout(
                world=world,
                app=self.target,
                image=image,
                wanted=structs.replace(service.spec, replicas=self.replicas),
                emit=emit,
                known=known,
                undo=undo,
                before=before,
            )
            with rollout.going_on():
                record(world, self.target, rollout.follow().spec, "scale")
