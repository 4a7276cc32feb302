"""What status says about an app's service: what runs in the swarm, and what the ledger knows about its deployments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import UNSET

from seatrial.engine.swarm import Service, Task
from seatrial.errors import SeatrialError, Unavailable
from seatrial.model.app import App
from seatrial.output.app_documents import DeploymentDocument, ServiceDocument
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.world import World
from seatrial.steps.deploy.service import own_service, version_label
from seatrial.wording import pluralize, short_digest

__all__ = ["deployment_documents", "service_document", "service_lines"]

_MOST = 20
_MINUTES = len("2026-11-27T15:19")


def service_document(world: World, app: App) -> tuple[ServiceDocument | None, str]:
    """Return the app's service, None without one, and why that is not known: the engine manages no swarm."""
    try:
        found = own_service(world, app)
        tasks = world.engine.swarm.tasks(found) if found else []
    except Unavailable as error:
        return None, f"{error.message}: {error.reason}"
    except SeatrialError:  # a service that is not ours
        return None, ""
    return (_document(found, tasks) if found else None), ""


def _document(found: Service, tasks: Iterable[Task]) -> ServiceDocument:
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


def service_lines(
    service: ServiceDocument | None, unknown: str, deployments: Sequence[DeploymentDocument]
) -> Iterator[str]:
    """Yield what runs in the swarm, or why that is `unknown`, and what the ledger holds last, as sentences."""
    last = next(iter(deployments), None)
    if service:
        name, _, digest = service.image.partition("@")
        wanted = "" if service.replicas is None else f" of {pluralize(service.replicas, 'replica')}"
        update = f", update {service.update.replace('_', ' ')}" if service.update else ""
        yield f"service {service.name}: {service.serving}{wanted} serving {name} ({short_digest(digest)}){update}"
    elif unknown and last and last.action != "undeploy":
        yield f"service {last.service}: not known, because {unknown}"
    if last:
        digest = f" ({short_digest(last.digest)})" if last.digest else ""
        count = "" if last.replicas is None else f", {pluralize(last.replicas, 'replica')}"
        when = f"{last.when[:_MINUTES].replace('T', ' ')} UTC"
        yield f"last {last.action} here: version {last.version}{digest} as {last.service}{count}, {when}, {last.who}"
