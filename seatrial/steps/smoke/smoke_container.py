"""A container on trial: started from an image id, asked its checks, and what its end says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from seatrial.checks.http.base_url import Site
from seatrial.checks.http.probe import Result, probe
from seatrial.checks.http.response import Expected
from seatrial.diagnosis.failure import explained
from seatrial.diagnosis.port_owner import port_holder
from seatrial.engine.model import ContainerSpec, Image
from seatrial.engine.protocol import Engine, Tell
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed
from seatrial.events import AppLog
from seatrial.host.signals import fleeting
from seatrial.model.app import TRIAL_LABEL, App
from seatrial.pipeline.world import World
from seatrial.steps.smoke.identity import hold_identity

__all__ = ["begin", "prove", "spec_for", "try_out"]

_LONGEST_LOG = 10_000
_HIGHEST_PORT = 65535


def spec_for(app: App, image: Image, *, name: str, host_port: int, labels: dict[str, str]) -> ContainerSpec:
    """Give the container an app runs in, hardened, with PORT set to the app's port."""
    return ContainerSpec(
        name=name,
        image_id=image.id,
        labels={**app.labels, **labels},
        environment={"PORT": str(app.port), **app.environment},
        port=app.port,
        host_port=host_port,
        memory=app.memory,
        pids=app.pids,
        cpus=app.cpus,
        stop_grace=app.stop_grace,
        tmpfs=app.tmpfs,
    )


def try_out(  # noqa: PLR0913  as above
    world: World,
    app: App,
    image: Image,
    tell: Tell,
    *,
    visit: Callable[[Site], None] | None = None,
    log: bool = False,
) -> tuple[Result, ...]:
    """Give the results of an app's checks put to an image in a container of its own, removed whatever happens.

    When it has passed them, `visit` is told where it answers. With `log`, what it wrote is told in the end.
    """
    for left in world.engine.containers({**app.labels, TRIAL_LABEL: "1"}):
        if world.process.outlived(left.labels):
            world.engine.remove(left.id)
    name = f"{app.container_name}-smoke-{world.process.run}"
    labels = {TRIAL_LABEL: "1", **world.process.labels}
    spec = spec_for(app, image, name=name, host_port=0, labels=labels)

    def remove() -> None:
        made = world.engine.container(name)
        if made and spec.labels.items() <= made.labels.items():  # else the name was taken already
            world.engine.remove(made.id)

    with fleeting(lambda: world.engine.create(spec, tell), remove):
        try:
            begin(world.engine, app, image, name)
            return prove(world.engine, app, image, name, tell, visit=visit)
        finally:
            with suppress(SeatrialError):  # how it came out weighs more than a log that cannot be read
                if log and world.engine.container(name):
                    tell(AppLog(lines=tuple(world.engine.logs(name, tail=_LONGEST_LOG))))


def begin(engine: Engine, app: App, image: Image, container_id: str, *, host_port: int = 0) -> None:
    """Start a container; `ContainerFailed` with the cause when it cannot be, and who holds its `host_port`."""
    try:
        engine.start(container_id)
    except ContainerFailed as error:
        if error.cause == "port-taken":
            if not host_port:  # the engine's own choice
                raise
            holder = port_holder(engine.containers({}), host_port)
            raise ContainerFailed(
                f"port {host_port} is taken",
                why=f"{holder} holds it" if holder else error.why,
                mend=f"invoke run --port {host_port % _HIGHEST_PORT + 1}" + (f", or end {holder}" if holder else ""),
                cause="port-taken",
            ) from error
        raise explained(engine, app, image, container_id, words=error.why) from error


def prove(  # noqa: PLR0913  what is asked, of whom, and who may look on
    engine: Engine,
    app: App,
    image: Image,
    container_id: str,
    tell: Tell,
    *,
    visit: Callable[[Site], None] | None = None,
    at: int | None = None,
) -> tuple[Result, ...]:
    """Put the app's checks to a started container and give the results; then `visit` is told where it answers.

    `at` is a port that leads to it where its published one does not.
    Raises `ContainerFailed` as soon as the container is dead, and `SmokeFailed` when a check fails: with the cause,
    what to type next, and the evidence.
    """
    container = engine.container(container_id)
    if container is None or not container.running:
        raise explained(engine, app, image, container_id)
    container_id = container.id  # from here on another one of its name is another one
    port = at or container.ports.get(app.port)

    def alive() -> bool:
        now = engine.container(container_id)
        return now is not None and now.running

    if port is None:
        raise ContainerFailed(
            f"{app.name} is not published",
            why=f"the engine published no port for {app.port}",
            mend="docker ps -a",
            cause="not-published",
        )
    expected = Expected.of(image)
    results = probe(Site(port=port), app.checks, expected=expected, seconds=app.smoke_timeout, alive=alive)
    for result in results:
        tell(result.told)
    if any(result.problem for result in results):
        raise explained(engine, app, image, container_id, results=results, at=at)
    now = engine.container(container_id)
    if now is not None and not now.running:
        raise explained(engine, app, image, container_id, results=results)
    hold_identity(app, image, asked=container, now=now)
    if visit:
        try:
            visit(Site(port=port))
        except SmokeFailed as error:
            if not alive():
                raise explained(engine, app, image, container_id, results=results) from error
            raise
    return results
