"""The service that an app is, and what differs between two specs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from seatrial.checks.image.secrets import secret_places
from seatrial.engine.model import Image, ImageConfig
from seatrial.engine.swarm import Service, ServiceSpec
from seatrial.errors import ContainerFailed, StepFailed, UsageError
from seatrial.model.app import VERSION_LABEL, App
from seatrial.model.deployment import LABELS_LABEL, OWN_LABEL, PublishedPort
from seatrial.model.reference import ImageReference
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.world import World
from seatrial.steps.deploy.release import Release
from seatrial.wording import prefixed_digest, spaced_size

__all__ = [
    "differences",
    "is_recorded",
    "own_service",
    "record",
    "require_service",
    "shown_image",
    "spec_for",
    "version_label",
]

_SIZES = ("memory", "reserved_memory")
_TIMES = ("stop_grace", "delay", "monitor", "health_interval", "health_timeout", "health_start_period")


def own_service(world: World, app: App) -> Service | None:
    """Return the app's service, or None; raise `ContainerFailed` if a service that is not ours has its name."""
    found = world.engine.swarm.service(app.container_name)
    if found and not app.owns(found.spec.labels):
        raise ContainerFailed(
            f"the name {app.container_name} is taken",
            reason="a service with that name was not created by this project; it is left alone",
            hint="choose another project name in invoke.yaml (project: NAME)",
            cause="name-taken",
        )
    return found


def require_service(world: World, app: App) -> Service:
    """Return the app's service; raise `StepFailed` if there is none."""
    found = own_service(world, app)
    if found is None:
        raise StepFailed(
            f"there is no service {app.container_name}", reason=f"{app.name} is not deployed", hint="invoke deploy"
        )
    return found


def spec_for(app: App, release: Release, service: Service | None, replicas: int | None) -> ServiceSpec:
    """Return what the app's service should be; without a number of replicas it keeps those that it has.

    Raise `UsageError` if it would show what looks like a secret, or publish a port twice.
    """
    _require_no_secrets(app)
    wanted = app.deploy
    count = replicas or wanted.replicas or (service.spec.replicas if service else None) or 1
    same = {
        name: value
        for source in (app, wanted)
        for name in ServiceSpec.__struct_fields__
        if (value := getattr(source, name, None)) is not None
    }
    own: dict[str, Any] = {
        "name": app.container_name,
        "image": release.name,
        "labels": {**_labels(app, service), VERSION_LABEL: str(release.version)},
        "replicas": count,
        "environment": {"PORT": str(app.port), **app.environment},
        "ports": _ports(app),
        "volumes": app.volume_names,
        "secrets": wanted.secret_files,
        "order": wanted.update_order,
    }
    return ServiceSpec(**same | own)


def _labels(app: App, service: Service | None) -> dict[str, str]:
    """Return the service's labels: ours, those in the settings, and those that somebody else has given it."""
    wanted, now = app.deploy.labels, service.spec.labels if service else {}
    before = now.get(LABELS_LABEL, "").split("\n")
    others = {key: value for key, value in now.items() if not key.startswith(OWN_LABEL) and key not in before}
    said = {LABELS_LABEL: "\n".join(sorted(wanted))} if wanted else {}
    return {**others, **wanted, **said, **app.labels, **app.environment_label}


def _ports(app: App) -> tuple[PublishedPort, ...]:
    """Return the ports, the app's own first; raise `UsageError` if two would be one on a node."""
    wanted = app.deploy
    own = PublishedPort(target=app.port, published=wanted.port or app.host_port, mode=wanted.mode)
    found = own, *wanted.ports
    (port, times), *_ = Counter(f"{one.published}/{one.protocol}" for one in found).most_common(1)
    if times > 1:
        raise UsageError(
            f"the port {port} of {app.name} is published twice",
            reason="a port on the nodes can lead to only one port of a container",
            hint=f"choose another published port under apps.{app.name}.deploy.ports in invoke.yaml",
        )
    return found


def differences(before: ServiceSpec | None, after: ServiceSpec) -> tuple[Difference, ...]:
    """Return what differs between two specs, by name; of the environment's values only that they differ."""
    old, new = dict(_facets(before)) if before else {}, dict(_facets(after))
    return tuple(
        Difference(name=key, before=_shown(key, old.get(key)), after=_shown(key, new.get(key)))
        for key in dict.fromkeys((*new, *old))
        if old.get(key) != new.get(key)
    )


def shown_image(image: str) -> str:
    """Return an image's name with tag and the beginning of its digest."""
    name, at, digest = image.partition("@")
    return f"{name}{at}{prefixed_digest(digest)}"


def version_label(spec: ServiceSpec) -> str:
    """Return the version that a service runs; empty if it does not say."""
    return spec.labels.get(VERSION_LABEL, "")


def record(world: World, app: App, spec: ServiceSpec, action: str) -> None:
    """Record in the ledger that a service now runs an image, or (`undeploy`) does not run any more."""
    reference = ImageReference.parse(spec.image)
    repository, digest = str(ImageReference(registry=reference.registry, repository=reference.repository)), spec.digest
    version = version_label(spec) or str(reference.tag or "")
    known = next((one for one in world.ledger.newest_first(repository) if digest in one.digests.values()), None)
    world.ledger.append(
        Entry(
            action=action,
            app=app.name,
            repository=repository,
            version=version,
            image=known.image if known else None,
            digests={reference.tag or version: digest} if digest else {},
            revision=known.revision if known else None,
            inputs=known.inputs if known else None,
            seconds=round(world.process.seconds, 3),
            environment=app.settings_environment,
            verdict=known.verdict if known else None,
            service=spec.name,
            replicas=spec.replicas,
            who=world.process.who,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
        )
    )


def is_recorded(world: World, spec: ServiceSpec) -> bool:
    """Return whether the ledger's last entry about a service is that it runs this image."""
    last = next((one for one in world.ledger.newest_first() if one.service == spec.name), None)
    return last is not None and last.action != "undeploy" and spec.digest in last.digests.values()


def _require_no_secrets(app: App) -> None:
    wanted = app.deploy
    shown = (app.environment, {**wanted.labels, **wanted.container_labels, **wanted.log_options})
    environment, others = (
        {name: value for name, value in values.items() if name not in wanted.allow_in_service} for values in shown
    )
    found = secret_places(Image(id="", labels=others, config=ImageConfig(environment=environment)), ())
    if not found:
        return
    name = found[0].rpartition(" ")[2]
    use = f"put it into a file and: docker secret create {name.lower()} FILE; then secrets: [{name.lower()}]"
    raise UsageError(
        f"the service of {app.name} would hold a secret: {', '.join(found)}",
        reason="docker service inspect shows a service's environment, labels and log options",
        hint=f"{use if name in environment else f'remove {name}'} under apps.{app.name}.deploy in invoke.yaml "
        f"(or, if it is none, allow_in_service: [{name}])",
        cause="secret-in-service",
    )


def _facets(spec: ServiceSpec) -> Iterator[tuple[str, str]]:
    """Yield what makes a spec, by name, as text."""
    for field in structs.fields(spec):
        value, name = getattr(spec, field.name), field.name.replace("_", " ")
        if field.name == "name" or (not value and value is not None):
            continue
        if field.name == "ports":
            yield from ((f"port {one.published}/{one.protocol}", f"{one.target} ({one.mode})") for one in value)
        elif isinstance(value, dict):
            keys = value.keys() - {VERSION_LABEL, LABELS_LABEL}
            yield from ((f"{name.removesuffix('s')} {key}", value[key]) for key in sorted(keys))
        elif isinstance(value, tuple) and field.name != "health_command":
            yield from ((f"{name.removesuffix('s')} {one}", "yes") for one in value)
        else:
            yield name, _text(field.name, value)


def _text(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, int) and name in _SIZES:
        return spaced_size(value)
    if isinstance(value, float) and name in _TIMES:
        return f"{value:g} s"
    return "one on each node" if value is None else str(value)


def _shown(key: str, value: str | None) -> str | None:
    if value is None or value == "":
        return None
    shows = key.startswith(("label ", "container label ", "log option "))
    if key.startswith("environment ") or (shows and secret_places(Image(id="", labels={key: value}), ())):
        return "***"
    return shown_image(value) if key == "image" else value
