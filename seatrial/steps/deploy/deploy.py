"""deploy: a service of the swarm runs a published image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from msgspec import Struct, structs

from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Service, ServiceSpec
from seatrial.errors import Conflict
from seatrial.events import TagPublished, WarningEvent
from seatrial.host.lock import Lock
from seatrial.model.app import App
from seatrial.model.deployment import NO_HEALTH_CHECK
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Difference, Results
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.deploy.explain import explain_deploy
from seatrial.steps.deploy.outside import follow_and_check, public_address, require_reachable
from seatrial.steps.deploy.progress import state_of
from seatrial.steps.deploy.release import Release, find_release
from seatrial.steps.deploy.rollout import Rollout, Undo
from seatrial.steps.deploy.service import differences, is_recorded, own_service, record, shown_image, spec_for
from seatrial.steps.publish.destination import Destination
from seatrial.wording import pluralize

__all__ = ["Deploy", "service_lock"]


class _Found(Struct, frozen=True, kw_only=True):
    """What a plan found: the release, the service that is there, and what it should be."""

    app: App
    release: Release
    service: Service | None
    spec: ServiceSpec


@dataclass(frozen=True, kw_only=True)
class Deploy(AppStep):
    """A service of the swarm runs this version's published image, by its digest, and all its replicas serve.

    Without a version it is that of the image built last. Without `replicas` a service keeps those that it has. Only an
    image that a verdict or the ledger knows is deployed, unless `untested` is set.
    """

    version: Version | None
    destination: Destination
    replicas: int | None = None
    untested: bool = False
    name: str = "deploy"

    def plan(self, world: World) -> Change[_Found] | NoChange:
        """Compare the service with what it should be."""
        found = self._find(world)
        release, service, spec = found.release, found.service, found.spec
        what = f"{release.reference.familiar} as {spec.name}, {pluralize(spec.replicas or 0, 'replica')}"
        results = Results(published=(self._published(found),))
        change = Change(
            would=f"deploy {what}",
            done=f"deployed {what}",
            before=service.spec.digest if service else None,
            after=None if service and service.spec.digest == spec.digest else release.digest,
            results=results,
            diff=differences(service.spec if service else None, spec),
            found=found,
        )
        if service is None or change.diff:
            require_reachable(world, found.app, spec)
        if service is None:
            return change
        if change.diff:
            return structs.replace(change, reason=_reason(change.diff))
        if missing := state_of(service, world.engine.swarm.tasks(service)):
            wait = f"wait until {what} serves"
            return structs.replace(change, would=wait, reason=missing)
        if not is_recorded(world, spec):
            return structs.replace(
                change,
                would="record the deployment in the ledger",
                done="recorded the deployment in the ledger",
                reason=f"{what} serves, but is not in it",
                after=release.digest,
            )
        address = public_address(world, found.app, service)
        return NoChange(
            message=f"{release.reference.familiar} serves as {spec.name}, {pluralize(spec.replicas or 0, 'replica')}",
            identity=service.spec.digest,
            detail=address,
            results=structs.replace(results, address=address),
        )

    def look_again(self, world: World, change: Change[_Found]) -> Change[_Found] | NoChange:
        """Compare again; an update that left the image as it is has changed something all the same."""
        now = self.plan(world)
        if isinstance(now, NoChange) and change.after is None and now.identity == change.before:
            service = own_service(world, self.target)
            return structs.replace(now, identity=service.identity if service else None)
        return now

    def explain(self, world: World) -> Explanation:
        """Return the deployment as docker commands."""
        return explain_deploy(world, self.target, self.destination, self.version, self.replicas)

    def apply(self, world: World, change: Change[_Found], emit: Emit) -> None:
        """Create or update the service, follow its rollout, and check the app from outside; record it in the ledger."""
        found = change.found
        app, spec, swarm = found.app, found.spec, world.engine.swarm
        if found.release.warning:
            emit(WarningEvent(text=found.release.warning))
        config = found.release.image.config
        is_checked = spec.health_command or (config and config.healthcheck)
        if not is_checked or spec.health_command == NO_HEALTH_CHECK:
            emit(WarningEvent(text=f"{app.name} has no health check: a container counts as ready as soon as it runs"))
        with service_lock(world, app, f"deploy of {found.release.reference.familiar}", emit):
            service = own_service(world, app)
            if (service.spec if service else None) != (found.service.spec if found.service else None):
                raise _changed(spec)
            tasks = swarm.tasks(service) if service else []
            update = bool(change.diff)
            state = service.update_state if service and not update else ""
            undo: Undo = "remove" if service is None else "roll back" if update or state == "updating" else "nothing"
            rollout = Rollout(
                world=world,
                app=app,
                image=found.release.image,
                wanted=spec,
                emit=emit,
                known=frozenset(one.id for one in tasks if update or one.ended),
                undo=undo,
                before=state,
                back=state == "rollback_started",
            )
            credential = world.registry(found.release.reference.registry).credential(optional=True)
            if service is None:
                swarm.create(spec, credential)
            elif update:
                swarm.update(service, spec, credential)
            record(world, app, follow_and_check(rollout).spec, "deploy")

    def _find(self, world: World) -> _Found:
        release = find_release(world, self.destination, self.version, untested=self.untested)
        app = self.target.in_image(release.image.exposed)
        service = own_service(world, app)
        spec = spec_for(app, release, service, self.replicas)
        world.engine.swarm.require(spec)
        return _Found(app=app, release=release, service=service, spec=spec)

    @staticmethod
    def _published(found: _Found) -> TagPublished:
        before = found.service.spec.digest if found.service else None
        return TagPublished(
            reference=found.release.reference.familiar,
            digest=found.release.digest,
            before=before if before != found.release.digest else None,
        )


@contextmanager
def service_lock(world: World, app: App, purpose: str, emit: Emit) -> Iterator[None]:
    """Hold the lock of the app's service; raise `Conflict` if another deployment from this folder holds it."""
    name = app.container_name
    hint = f"run it again later (docker service ps {name} shows it)"
    lock = Lock(world.state.locks, f"service {name}", work="deployment of", hint=hint)
    with world.hold_lock(lock, purpose, emit, wait=0, required=False):
        yield


def _reason(diff: Sequence[Difference]) -> str:
    """Return what differs, as text: the image that is replaced, and the names of everything else."""
    replaced = [f"it replaces {one.before}" for one in diff if one.name == "image"]
    others = ", ".join(one.name for one in diff if one.name != "image")
    return "; ".join((*replaced, *([f"changed: {others}"] if others else [])))


def _changed(spec: ServiceSpec) -> Conflict:
    return Conflict(
        f"somebody else has just changed the service {spec.name}",
        reason=f"it is not what it was when the deployment of {shown_image(spec.image)} was planned",
        hint="run it again",
    )
