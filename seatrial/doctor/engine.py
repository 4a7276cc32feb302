"""What the doctor finds of the engine, and of what stands on this machine beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from seatrial.diagnosis.port_owner import port_holder
from seatrial.doctor.findings import Finding, Grade, Look, Patient, failure
from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError
from seatrial.host.subprocesses import output_of
from seatrial.model.app import App
from seatrial.pipeline.step import Holds
from seatrial.steps.serve.serving import ours
from seatrial.steps.setup.local_registry import LocalRegistry
from seatrial.wording import human_size

__all__ = ["ENGINE_LOOKS", "apps_of"]

_LEAST_FREE = 10**9
_LEAST_PART = 0.1
_OLDEST_API = (1, 41)
_LIMITS = re.compile(r"No (?:memory|pids) limit support", re.IGNORECASE)


def apps_of(patient: Patient) -> tuple[App, ...]:
    """Give the app that was asked for, or all of them."""
    if patient.app is not None:
        return (patient.settings.app(patient.app),)
    return tuple(patient.settings.apps.values())


def _engine(patient: Patient) -> Iterator[Finding]:
    """Whether it answers, and where it was looked for."""
    engine = patient.world.engine
    try:
        info = engine.info()
    except EngineUnavailable as error:
        why = f"{error.what}: {error.why} ({_chosen_by(patient)})"
        yield Finding(what="engine", grade=Grade.FAILED, why=why, mend=error.mend, exit_code=error.exit_code)
        return
    except CredentialsError as error:
        yield Finding(what="engine", grade=Grade.FAILED, why=str(error), mend=error.mend)
        return
    why = f"Docker {info.version} at {info.endpoint} ({_chosen_by(patient)})"
    yield Finding(what="engine", grade=Grade.OK, why=why)
    if tuple(int(part) for part in re.findall(r"\d+", info.api)) < _OLDEST_API:
        why = f"{info.api}: older than {'.'.join(map(str, _OLDEST_API))}, with which Seatrial is tested"
        yield Finding(what="API", grade=Grade.WARNING, why=why, mend="take Docker Engine 20.10 or later")
    else:
        yield Finding(what="API", grade=Grade.OK, why=info.api)


def _chosen_by(patient: Patient) -> str:
    """Say why it is this engine: DOCKER_HOST, else DOCKER_CONTEXT, else the current context."""
    started = patient.environment
    if started.docker_host:
        return "by DOCKER_HOST"
    if started.docker_context:
        return f"by DOCKER_CONTEXT={started.docker_context}"
    return f"context {started.context or 'default'}"


def _image_store(patient: Patient) -> Iterator[Finding]:
    """Who keeps the images, and what limits the engine cannot enforce."""
    details = patient.world.engine.details()
    yield Finding(what="image store", grade=Grade.OK, why=f"{details.store}, for {details.platform}")
    if weak := [words for words in details.warnings if _LIMITS.search(words)]:
        why = f"{'; '.join(weak)}: an app can take all there is"
        yield Finding(what="limits", grade=Grade.WARNING, why=why, mend="turn on the memory and pids cgroups")


def _builder(patient: Patient) -> Iterator[Finding]:
    """Who would build, with the docker CLI's buildx for what only that can."""
    version = re.findall(r"v\d[\w.+-]*", output_of(["docker", "buildx", "version"]) or "")
    also = f"docker buildx {version[0]}" if version else "no docker buildx"
    found = []
    for app in apps_of(patient):
        try:
            builder = patient.world.engine.builder(app.build)
        except EngineUnavailable:
            raise
        except SeatrialError as error:
            found.append(failure("builder", error))
        else:
            found.append(Finding(what="builder", grade=Grade.OK, why=f"{builder}; {also}"))
    yield from dict.fromkeys(found)  # most apps have the same


def _disk(patient: Patient) -> Iterator[Finding]:
    """How much room the engine has for images."""
    root = patient.world.engine.details().root
    if not root or not patient.world.engine.endpoint.startswith("unix:"):
        return
    try:
        usage = shutil.disk_usage(root)
    except OSError:  # it is in another machine, or not ours to look at
        return
    why = f"{human_size(usage.free)} free of {human_size(usage.total)} at {root}"
    if usage.free < _LEAST_FREE or usage.free < usage.total * _LEAST_PART:
        yield Finding(what="disk", grade=Grade.WARNING, why=why, mend="docker system df, then docker system prune")
    else:
        yield Finding(what="disk", grade=Grade.OK, why=why)


def _base_image(patient: Patient) -> Iterator[Finding]:
    """Whether the images the app is built from are there."""
    for app in apps_of(patient):
        if not app.base_images:
            continue
        there = next((one for one in app.base_images if patient.world.image(one)), None)
        if there:
            yield Finding(what="base image", grade=Grade.OK, why=f"{there.familiar} is there")
        else:
            names = ", ".join(one.familiar for one in app.base_images)
            yield Finding(what="base image", grade=Grade.WARNING, why=f"none of {names} is there", mend="invoke up")


def _port(patient: Patient) -> Iterator[Finding]:
    """Whether run can serve the app where the settings say."""
    for app in apps_of(patient):
        port, grade = app.host_port, Grade.FAILED
        try:
            serving = ours(patient.world.engine, app)
            holder = port_holder(patient.world.engine.containers({}), port)
        except (EngineUnavailable, CredentialsError):
            # It may well be the app itself, or another container.
            serving, holder, grade = None, port_holder((), port), Grade.WARNING
        except SeatrialError as error:
            yield failure("port", error)
            continue
        if serving and serving.running and serving.publishes(port):
            yield Finding(what="port", grade=Grade.OK, why=f"{app.name} is served at 127.0.0.1:{port}")
        elif holder:
            mend = f"invoke run --port {port + 1}, or end {holder}"
            yield Finding(what="port", grade=grade, why=f"{port} of this machine: {holder} holds it", mend=mend)
        else:
            yield Finding(what="port", grade=Grade.OK, why=f"{port} of this machine is free")


def _registry(patient: Patient) -> Iterator[Finding]:
    """Whether the local registry answers, which nobody needs who pushes elsewhere."""
    port = patient.settings.local_registry_port
    where = f"localhost:{port}"
    needed = patient.settings.registry in (where, f"127.0.0.1:{port}")
    plan = LocalRegistry(port=port).plan(patient.world)
    if isinstance(plan, Holds):
        yield Finding(what="registry", grade=Grade.OK, why=plan.reason)
    else:
        grade = Grade.WARNING if needed else Grade.OK
        why = plan.reason + ("" if needed else ", and none is needed")
        yield Finding(what="registry", grade=grade, why=why, mend="invoke up" if needed else "")


ENGINE_LOOKS: tuple[Look, ...] = (_engine, _image_store, _builder, _disk, _base_image, _port, _registry)
