"""Find the cause why a task of a service failed, from its state and its log, on whatever node it was."""

from __future__ import annotations

import re

from seatrial.diagnosis.evidence import Evidence, without_server_end
from seatrial.diagnosis.failure import container_error, evidence_error
from seatrial.engine.inspection import ContainerInspection
from seatrial.engine.model import Image
from seatrial.engine.protocol import Engine
from seatrial.engine.swarm import Task
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed, sanitize_line
from seatrial.model.app import App

__all__ = ["task_error"]

_LOG_LINES = 200
_NO_IMAGE = re.compile(r"No such image|pull access denied|manifest unknown|no basic auth|unauthorized", re.IGNORECASE)
_PORT_TAKEN = re.compile(r"address already in use|port is already allocated|failed to bind host port", re.IGNORECASE)
_PORT = re.compile(r":(\d+)(?:: bind| failed)")
_GONE = "No such container"
_NOT_STARTED = re.compile(r"starting container failed: (.*)", re.DOTALL)


def task_error(engine: Engine, app: App, image: Image, task: Task, node: str) -> ContainerFailed | SmokeFailed:
    """Return the error for a failed task; `node` is the name of its node."""
    if _NO_IMAGE.search(task.error):
        return ContainerFailed(
            f"{node} cannot pull {task.image_name}",
            reason=task.error,
            hint=f"make the registry reachable from {node}, and log in here (docker login): the swarm hands it on",
            cause="image-not-pulled",
        )
    if _PORT_TAKEN.search(task.error):
        port = found[1] if (found := _PORT.search(task.error)) else app.deploy.port or app.host_port
        return ContainerFailed(
            f"the port {port} is taken on {node}",
            reason=task.error.removeprefix("starting container failed: "),
            hint=f"on {node}: ss -ltnp 'sport = :{port}' (or another port under apps.{app.name}.deploy in invoke.yaml)",
            cause="port-taken",
        )
    if _GONE in task.error:
        return ContainerFailed(
            f"a container of {app.name} is gone",
            reason=f"{task.error}: the engine on {node} was restarted, or somebody removed it",
            hint=f"docker service ps --no-trunc {app.container_name}; then run it again",
            cause="container-removed",
        )
    inspection = _inspection(engine, task)
    if "unhealthy" in task.error:
        return _unhealthy(app, inspection, _log(engine, task))
    words = found[1] if (found := _NOT_STARTED.search(task.error)) else "" if task.container else task.error
    if inspection and inspection.state != "created":
        return container_error(engine, app, image, task.container, words=words)
    return evidence_error(
        Evidence(
            app=app,
            inspection=ContainerInspection(state="exited", exit_code=task.exit_code, error=task.error),
            log=_log(engine, task),
            words=words,
            image_platform=image.platform,
        )
    )


def _inspection(engine: Engine, task: Task) -> ContainerInspection | None:
    """Return the inspection of a task's container, None if it is on another node or gone."""
    return engine.inspect_container(task.container) if task.container else None


def _unhealthy(app: App, inspection: ContainerInspection | None, log: tuple[str, ...]) -> SmokeFailed:
    runs = inspection.health_log if inspection else ()
    last = runs[-1] if runs else None
    said = f"exit code {last.exit_code}: {last.output or '(no output)'}" if last else "its node does not say why"
    return SmokeFailed(
        f"{app.name} starts, but its health check fails",
        reason=said,
        hint="fix HEALTHCHECK in the Dockerfile, or what it asks; then: invoke build smoke",
        details=(*log, *(f"health check: exit code {one.exit_code}: {one.output}" for one in runs)),
        cause="unhealthy",
    )


def _log(engine: Engine, task: Task) -> tuple[str, ...]:
    try:
        lines = engine.swarm.log(task.id, tail=_LOG_LINES)
    except SeatrialError:
        return ()  # its node is gone, or it never had a container
    return without_server_end(tuple(sanitize_line(line) for line in lines))
