"""A container on trial: started from an image id, asked its checks, and what its end says."""

from __future__ import annotations

from lading.app import VERSION_LABEL, App
from lading.engine import ContainerSpec, Engine, Image, Tell
from lading.errors import ContainerFailed, SmokeFailed
from lading.events import Note
from lading.probe import Result, probe
from lading.version import UNVERSIONED
from lading.world import World

__all__ = ["named", "prove", "spec_for", "try_out"]

_TRIAL_LABEL = "lading.trial"
_LAST_LINES = 20
_HOST = "127.0.0.1"


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
    )


def try_out(world: World, app: App, image: Image, tell: Tell) -> tuple[Result, ...]:
    """Give the results of an app's checks put to an image in a container of its own, removed whatever happens."""
    for left in world.engine.containers({**app.labels, _TRIAL_LABEL: "1"}):
        if world.process.outlived(left.labels):
            world.engine.remove(left.id)
    name = f"{app.container_name}-smoke-{world.process.run}"
    labels = {_TRIAL_LABEL: "1", **world.process.labels}
    try:
        world.engine.start(world.engine.create(spec_for(app, image, name=name, host_port=0, labels=labels), tell))
        return prove(world.engine, app, image, name, tell)
    finally:
        world.engine.remove(name)


def prove(engine: Engine, app: App, image: Image, container_id: str, tell: Tell) -> tuple[Result, ...]:
    """Put the app's checks to a started container and give the results.

    Raises `ContainerFailed` as soon as the container is dead, with its exit code and the last lines of its log, and
    `SmokeFailed` when a check fails.
    """
    container = engine.container(container_id)
    port = container.ports.get(app.port) if container else None

    def alive() -> None:
        now = engine.container(container_id)
        if now is None or not now.running:
            raise _dead(engine, container_id, app, now.exit_code if now else None, oom=bool(now and now.oom_killed))

    alive()
    if port is None:
        raise ContainerFailed(
            f"{app.name} is not published",
            why=f"the engine published no port for {app.port}",
            mend="docker ps -a",
        )
    version = image.labels.get(VERSION_LABEL, UNVERSIONED)
    results = probe(_HOST, port, app.checks, version=version, seconds=app.smoke_timeout, alive=alive)
    for result in results:
        tell(Note(text=f"{result.check}: {result.problem or 'passed'} ({result.seconds:.2f} s)"))
    if failed := [result for result in results if result.problem]:
        alive()
        raise SmokeFailed(
            f"{app.name} failed {len(failed)} of {len(results)} checks",
            why="; ".join(f"{result.check}: {result.problem}" for result in failed),
            mend="look at the log above, mend the app, then: invoke build smoke",
            details=_log_lines(engine, container_id),
        )
    return results


def named(image: Image) -> str:
    """Give an image's name for a sentence: its first tag, else its short id."""
    return image.tags[0] if image.tags else image.id.removeprefix("sha256:")[:12]


def _log_lines(engine: Engine, container_id: str) -> tuple[str, ...]:
    """Give the last lines of a container's log."""
    return tuple(engine.logs(container_id, tail=_LAST_LINES))


def _dead(engine: Engine, container_id: str, app: App, exit_code: int | None, *, oom: bool) -> ContainerFailed:
    lines = _log_lines(engine, container_id) if exit_code is not None else ()
    if oom:
        why = f"it was killed for memory, limit {app.memory // 1024**2} MiB"
        mend = "raise memory in the settings"
    elif exit_code is None:
        why, mend = "somebody removed its container", "run it again"
    else:
        why, mend = (
            f"its process ended with exit code {exit_code}",
            "mend what the log says, then: invoke build smoke",
        )
    return ContainerFailed(f"{app.name} died at start", why=why, mend=mend, details=lines)
