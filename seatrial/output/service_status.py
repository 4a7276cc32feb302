"""What status says about an app's service: what runs in the swarm, and what the ledger knows about its deployments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import UNSET

from seatrial.errors import SeatrialError
from seatrial.model.app import App
from seatrial.output.app_documents import DeploymentDocument, ServiceDocument
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.world import World
from seatrial.steps.deploy.service import own_service, version_label
from seatrial.wording import pluralize, short_digest

__all__ = ["deployment_documents", "service_document", "service_lines"]

_MOST = 20
_MINUTES = len("2026-11-27T15:19")


def service_document(world: World, app: App) -> ServiceDocument | None:
    """Return the app's service; None without one, or if the engine manages no swarm."""
    try:
        found = own_service(world, app)
        tasks = world.engine.swarm.tasks(found) if found else []
    except SeatrialError:  # no swarm, or a service that is not ours
        return None
    if found is None:
        return None
    return ServiceDocument(
        name=found.spec.name,
        version=version_label(found.spec) or None,
        image=found.spec.image,
        replicas=found.spec.replicas,
        serving=sum(one.serves and one.is_current for one in tasks),
        update=found.update_state or None,
    )


def deployment_documents(entries: Iterable[Entry], app: App) -> tuple[DeploymentDocument, ...]:
    """Return the last deployments of an app in its environment, the newest first."""
    ours = (one for one in entries if one.service and one.is_of(app.name, app.settings_environment))
    return tuple(
        DeploymentDocument(
            action=one.action,
            version=one.version,
            digest=next(iter(one.digests.values()), None),
            service=one.service or "",
            replicas=one.replicas,
            when=one.when,
            who=one.who,
            environment=one.environment or UNSET,
        )
        for one in islice(ours, _MOST)
    )


def service_lines(service: ServiceDocument | None, deployments: Sequence[DeploymentDocument]) -> Iterator[str]:
    """Yield what runs in the swarm, and what the ledger holds last, as sentences."""
    if service:
        name, _, digest = service.image.partition("@")
        wanted = "" if service.replicas is None else f" of {pluralize(service.replicas, 'replica')}"
        update = f", update {service.update.replace('_', ' ')}" if service.update else ""
        yield f"service {service.name}: {service.serving}{wanted} serving {name} ({short_digest(digest)}){update}"
    if last := next(iter(deployments), None):
        digest = f" ({short_digest(last.digest)})" if last.digest else ""
        when = f"{last.when[:_MINUTES].replace('T', ' ')} UTC"
        yield f"last {last.action} here: version {last.version}{digest} as {last.service}, {when}, {last.who}"
