"""undeploy: the swarm runs no service of the app."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Service
from seatrial.events import Waiting
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.deploy.deploy import service_lock
from seatrial.steps.deploy.explain import explain_command
from seatrial.steps.deploy.service import own_service, record, shown_image
from seatrial.wording import pluralize

__all__ = ["Undeploy"]

_SLACK_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Undeploy(AppStep):
    """The swarm runs no service of the app; volumes, secrets and configs stay."""

    name: str = "undeploy"

    def plan(self, world: World) -> Change[Service] | NoChange:
        """Look for the service."""
        service = own_service(world, self.target)
        if service is None:
            return NoChange(message=f"{self.app} is not deployed")
        replicas = f" ({pluralize(service.spec.replicas, 'replica')})" if service.spec.replicas is not None else ""
        what = f"the service {service.spec.name}{replicas}"
        diff = (Difference(name=service.spec.name, before=shown_image(service.spec.image), after=None),)
        return Change(would=f"remove {what}", done=f"removed {what}", before=service.identity, diff=diff, found=service)

    def explain(self, world: World) -> Explanation:
        """Return the end of the service as a docker command."""
        name = self.target.container_name
        return explain_command(name, "rm", name, effect="is removed; its containers get their time to finish requests")

    def apply(self, world: World, change: Change[Service], emit: Emit) -> None:
        """Remove it, and wait until the containers on this engine's node have ended."""
        service = change.found
        with service_lock(world, self.target, "undeploy", emit):
            world.engine.swarm.remove(service.id)
            record(world, self.target, service.spec, "undeploy")
            labels = {"com.docker.swarm.service.id": service.id}
            deadline = time.monotonic() + service.spec.stop_grace + _SLACK_SECONDS
            while (left := _running(world, labels)) and time.monotonic() < deadline:
                emit(Waiting(text=f"{pluralize(left, 'container')} on this node to end"))
                time.sleep(0.1)


def _running(world: World, labels: Mapping[str, str]) -> int:
    return sum(one.running for one in world.engine.containers(labels))
