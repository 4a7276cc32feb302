"""What the doctor finds of the engine, and of what stands on this machine beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from seatrial.diagnosis.port_owner import find_port_owner
from seatrial.doctor.findings import Finding, Inspection, Severity, Subject, failure
from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError
from seatrial.host.subprocesses import output_of
from seatrial.model.app import App
from seatrial.pipeline.step import NoChange
from seatrial.steps.serve.serving import serving_container
from seatrial.steps.setup.local_registry import LocalRegistry
from seatrial.wording import human_size

__all__ = ["ENGINE_INSPECTIONS", "apps_of"]

_LEAST_FREE = 10**9
_LEAST_PART = 0.1
_OLDEST_API = (1, 41)
_LIMITS = re.compile(r"No (?:memory|pids) limit support", re.IGNORECASE)


def apps_of(subject: Subject) -> tuple[App, ...]:
    """Return the app that was asked for, or all of them."""
    if subject.app is not None:
        return (subject.settings.app(subject.app),)
    return tuple(subject.settings.apps.values())


def _engine(subject: Subject) -> Iterator[Finding]:
    """Return whether it answers, and where it was looked for."""
    engine = subject.world.engine
    try:
        info = engine.info()
    except EngineUnavailable as error:
        reason = f"{error.message}: {error.reason} ({_chosen_by(subject)})"
        yield Finding(
            check="engine", severity=Severity.FAILED, reason=reason, hint=error.hint, exit_code=error.exit_code
        )
        return
    except CredentialsError as error:
        yield Finding(check="engine", severity=Severity.FAILED, reason=str(error), hint=error.hint)
        return
    reason = f"Docker {info.version} at {info.endpoint} ({_chosen_by(subject)})"
    yield Finding(check="engine", severity=Severity.OK, reason=reason)
    if tuple(int(part) for part in re.findall(r"\d+", info.api)) < _OLDEST_API:
        reason = f"{info.api}: older than {'.'.join(map(str, _OLDEST_API))}, with which Seatrial is tested"
        yield Finding(check="API", severity=Severity.WARNING, reason=reason, hint="take Docker Engine 20.10 or later")
    else:
        yield Finding(check="API", severity=Severity.OK, reason=info.api)


def _chosen_by(subject: Subject) -> str:
    """Say why it is this engine: DOCKER_HOST, else DOCKER_CONTEXT, else the current context."""
    started = subject.environment
    if started.docker_host:
        return "by DOCKER_HOST"
    if started.docker_context:
        return f"by DOCKER_CONTEXT={started.docker_context}"
    return f"context {started.context or 'default'}"


def _image_store(subject: Subject) -> Iterator[Finding]:
    """Who keeps the images, and what limits the engine cannot enforce."""
    details = subject.world.engine.details()
    yield Finding(check="image store", severity=Severity.OK, reason=f"{details.store}, for {details.platform}")
    if weak := [words for words in details.warnings if _LIMITS.search(words)]:
        reason = f"{'; '.join(weak)}: an app can take all there is"
        yield Finding(
            check="limits", severity=Severity.WARNING, reason=reason, hint="turn on the memory and pids cgroups"
        )


def _builder(subject: Subject) -> Iterator[Finding]:
    """Who would build, with the docker CLI's buildx for what only that can."""
    version = re.findall(r"v\d[\w.+-]*", output_of(["docker", "buildx", "version"]) or "")
    also = f"docker buildx {version[0]}" if version else "no docker buildx"
    found = []
    for app in apps_of(subject):
        try:
            builder = subject.world.engine.builder(app.build)
        except EngineUnavailable:
            raise
        except SeatrialError as error:
            found.append(failure("builder", error))
        else:
            found.append(Finding(check="builder", severity=Severity.OK, reason=f"{builder}; {also}"))
    yield from dict.fromkeys(found)  # most apps have the same


def _disk(subject: Subject) -> Iterator[Finding]:
    """How much room the engine has for images."""
    root = subject.world.engine.details().root
    if not root or not subject.world.engine.endpoint.startswith("unix:"):
        return
    try:
        usage = shutil.disk_usage(root)
    except OSError:  # it is in another machine, or not ours to look at
        return
    reason = f"{human_size(usage.free)} free of {human_size(usage.total)} at {root}"
    if usage.free < _LEAST_FREE or usage.free < usage.total * _LEAST_PART:
        yield Finding(
            check="disk", severity=Severity.WARNING, reason=reason, hint="docker system df, then docker system prune"
        )
    else:
        yield Finding(check="disk", severity=Severity.OK, reason=reason)


def _base_image(subject: Subject) -> Iterator[Finding]:
    """Return whether the images the app is built from are there."""
    for app in apps_of(subject):
        if not app.base_images:
            continue
        there = next((one for one in app.base_images if subject.world.image(one)), None)
        if there:
            yield Finding(check="base image", severity=Severity.OK, reason=f"{there.familiar} is there")
        else:
            names = ", ".join(one.familiar for one in app.base_images)
            yield Finding(
                check="base image", severity=Severity.WARNING, reason=f"none of {names} is there", hint="invoke up"
            )


def _port(subject: Subject) -> Iterator[Finding]:
    """Return whether run can serve the app where the settings say."""
    for app in apps_of(subject):
        port, severity = app.host_port, Severity.FAILED
        try:
            serving = serving_container(subject.world.engine, app)
            owner = find_port_owner(subject.world.engine.containers({}), port)
        except (EngineUnavailable, CredentialsError):
            # It may well be the app itself, or another container.
            serving, owner, severity = None, find_port_owner((), port), Severity.WARNING
        except SeatrialError as error:
            yield failure("port", error)
            continue
        if serving and serving.running and serving.publishes(port):
            yield Finding(check="port", severity=Severity.OK, reason=f"{app.name} is served at 127.0.0.1:{port}")
        elif owner:
            hint = f"invoke run --port {port + 1}, or end {owner}"
            yield Finding(
                check="port", severity=severity, reason=f"{port} of this machine: {owner} holds it", hint=hint
            )
        else:
            yield Finding(check="port", severity=Severity.OK, reason=f"{port} of this machine is free")


def _registry(subject: Subject) -> Iterator[Finding]:
    """Return whether the local registry answers, which nobody needs who pushes elsewhere."""
    port = subject.settings.local_registry_port
    where = f"localhost:{port}"
    needed = subject.settings.registry in (where, f"127.0.0.1:{port}")
    plan = LocalRegistry(port=port).plan(subject.world)
    if isinstance(plan, NoChange):
        yield Finding(check="registry", severity=Severity.OK, reason=plan.message)
    else:
        severity = Severity.WARNING if needed else Severity.OK
        reason = f"no registry answers at {where}" + ("" if needed else ", and none is needed")
        yield Finding(check="registry", severity=severity, reason=reason, hint="invoke up" if needed else "")


ENGINE_INSPECTIONS: tuple[Inspection, ...] = (_engine, _image_store, _builder, _disk, _base_image, _port, _registry)
