"""Inspect the engine, and what belongs to it on this machine: disk, base images, ports, local registry."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from itertools import count

from seatrial.diagnosis.port_owner import find_port_owner
from seatrial.doctor.findings import Finding, Inspection, Severity, Subject, failure, fine, warning
from seatrial.engine.api_version import require_buildkit
from seatrial.engine.endpoint import LOOPBACK, find_endpoint
from seatrial.engine.model import EngineDetails
from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError, Unavailable, UsageError
from seatrial.host.subprocesses import output_of
from seatrial.pipeline.step import NoChange
from seatrial.steps.serve.run import Run
from seatrial.steps.serve.serving import serving_container
from seatrial.steps.setup.local_registry import LocalRegistry
from seatrial.wording import human_size

__all__ = ["ENGINE_INSPECTIONS"]

_LEAST_FREE_BYTES = 10**9
_LEAST_FREE_SHARE = 0.1
_OLDEST_API = (1, 41)
_LIMITS = re.compile(r"No (?:memory|pids) limit support", re.IGNORECASE)


def _engine(subject: Subject) -> Iterator[Finding]:
    """Inspect whether the engine answers, and at which address."""
    engine = subject.world.engine
    chosen_by = ""
    try:
        chosen_by = find_endpoint(subject.environment).chosen_by
        info = engine.info()
    except EngineUnavailable as error:
        yield failure("engine", error.but(reason=f"{error.reason} (by {chosen_by})"))
        return
    except UsageError as error:
        yield failure("engine", error)
        return
    reason = f"Docker {info.version} at {info.endpoint} (by {chosen_by})"
    yield fine("engine", reason)
    try:
        require_buildkit(info.api)
    except EngineUnavailable as error:
        yield failure("API", error)
        return
    if tuple(int(part) for part in re.findall(r"\d+", info.api)) < _OLDEST_API:
        reason = f"{info.api}: older than {'.'.join(map(str, _OLDEST_API))}, the oldest that Seatrial is tested with"
        yield warning("API", reason, "install Docker Engine 20.10 or later")
    else:
        yield fine("API", info.api)


def _image_store(subject: Subject) -> Iterator[Finding]:
    """Inspect which image store the engine has, and which limits it cannot enforce."""
    details = _details(subject)
    yield fine("image store", f"{details.store}, for {details.platform}")
    if weak := [words for words in details.warnings if _LIMITS.search(words)]:
        reason = f"{'; '.join(weak)}: an app can use up the whole machine"
        yield warning("limits", reason, "turn on the memory and pids cgroups")


def _details(subject: Subject) -> EngineDetails:
    """Return what the engine reports about itself; it is asked once, since that is slow."""
    return subject.world.once("engine details", subject.world.engine.details)


def _builder(subject: Subject) -> Iterator[Finding]:
    """Inspect which builder would build each app, and whether docker buildx is there."""
    version = re.findall(r"v\d[\w.+-]*", output_of(["docker", "buildx", "version"]) or "")
    buildx = f"docker buildx {version[0]}" if version else "no docker buildx"
    found = []
    for app in subject.apps:
        try:
            builder = subject.world.engine.builder(app.build)
        except EngineUnavailable:
            raise
        except SeatrialError as error:
            found.append(failure("builder", error))
        else:
            found.append(fine("builder", f"{builder}; {buildx}"))
    yield from dict.fromkeys(found)  # most apps have the same builder


def _disk(subject: Subject) -> Iterator[Finding]:
    """Inspect how much disk space the engine has for images."""
    root = _details(subject).root
    if not root or not subject.world.engine.endpoint.startswith("unix:"):
        return
    try:
        usage = shutil.disk_usage(root)
    except OSError:  # the folder is on another machine, or we may not read it
        return
    reason = f"{human_size(usage.free)} free of {human_size(usage.total)} at {root}"
    if usage.free < _LEAST_FREE_BYTES or usage.free < usage.total * _LEAST_FREE_SHARE:
        yield warning("disk", reason, "docker system df, then docker system prune")
    else:
        yield fine("disk", reason)


def _base_image(subject: Subject) -> Iterator[Finding]:
    """Inspect whether each app's base image is in the engine."""
    for app in subject.apps:
        if not app.base_images:
            continue
        present = next((one for one in app.base_images if subject.world.image(one)), None)
        if present:
            yield fine("base image", f"{present.familiar} is in the engine")
        else:
            names = [one.familiar for one in app.base_images]
            missing = f"{names[0]} is not" if len(names) == 1 else f"none of {', '.join(names)} is"
            yield warning("base image", f"{missing} in the engine", "invoke up")


def _port(subject: Subject) -> Iterator[Finding]:
    """Inspect whether each app's port on the engine's machine is free, or already serves the app."""
    engine, host = subject.world.engine, subject.world.engine.published_host
    served: dict[int, str] = {}
    named = {app.host_port for app in subject.apps}
    for app in filter(lambda one: one.serves, subject.apps):
        port, severity = app.host_port, Severity.FAILED
        try:
            port = Run(target=app, version=None).host_port(subject.world)
            serving = serving_container(engine, app)
            owner = find_port_owner(engine.containers({}), port, host=host)
        except (EngineUnavailable, CredentialsError):
            # Without an engine, the owner may be the app itself.
            serving, owner, severity = None, find_port_owner((), port, host=host), Severity.WARNING
        except SeatrialError as error:
            yield failure("port", error)
            continue
        where = f"port {port}" if host == LOOPBACK else f"port {port} of {host}"
        if other := served.get(port):
            reason = f"{other} and {app.name} would both be served on {where}"
            free = next(one for one in count(port + 1) if one not in named)
            named.add(free)
            hint = f"host_port: {free} in the settings of {app.name}"
            yield Finding(check="port", severity=severity, reason=reason, hint=hint)
            continue
        served[port] = app.name
        if serving and serving.running and serving.publishes(port):
            yield fine("port", f"{app.name} is served at {host}:{port}")
        elif owner:
            hint = f"invoke run --port {port + 1}, or stop {owner}"
            yield Finding(check="port", severity=severity, reason=f"{where} is used by {owner}", hint=hint)
        else:
            yield fine("port", f"{where} is free")


def _registry(subject: Subject) -> Iterator[Finding]:
    """Inspect whether the local registry answers; it is needed only if the settings name it."""
    port = subject.settings.local_registry_port
    where = f"localhost:{port}"
    needed = subject.settings.registry in (where, f"{LOOPBACK}:{port}")
    step, found = LocalRegistry(port=port), None
    with nullcontext() if needed else suppress(Unavailable):  # an engine elsewhere has none
        found = step.plan(subject.world)
    if isinstance(found, NoChange):
        yield fine("registry", found.message)
    else:
        severity = Severity.WARNING if needed else Severity.OK
        reason = f"no registry answers at {where}" + ("" if needed else ", and none is needed")
        yield Finding(check="registry", severity=severity, reason=reason, hint="invoke up" if needed else "")


ENGINE_INSPECTIONS: tuple[Inspection, ...] = (_engine, _image_store, _builder, _disk, _base_image, _port, _registry)
