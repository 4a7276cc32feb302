"""Run the checks of an app in a container, and explain a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial

from msgspec.structs import replace

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import Result, probe
from seatrial.checks.http.response import Expected
from seatrial.checks.image.file_scan import FileScan
from seatrial.diagnosis.failure import container_error, require_stable
from seatrial.diagnosis.port_owner import find_port_owner
from seatrial.diagnosis.settled import Settled
from seatrial.engine.model import ContainerSpec, Image
from seatrial.engine.program import Program
from seatrial.engine.protocol import Emit, Engine
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed, StepFailed
from seatrial.events import AppLog
from seatrial.host.background import Task
from seatrial.host.signals import temporary
from seatrial.model.app import SMOKE_LABEL, App
from seatrial.pipeline.world import World
from seatrial.steps.smoke.health import check_health
from seatrial.steps.smoke.identity import check_identity, check_untouched
from seatrial.steps.smoke.reach import require_reachable

__all__ = [
    "remove_leftovers",
    "run_checks",
    "run_checks_in_container",
    "smoke_container",
    "spec_for",
    "start_and_check",
]

_LONGEST_LOG = 10_000
_HIGHEST_PORT = 65535
_STANDING_SECONDS = 0.25


def spec_for(  # noqa: PLR0913  each argument is one thing
    app: App, image: Image, *, name: str, host_port: int, labels: dict[str, str], keep: bool = False
) -> ContainerSpec:
    """Return the spec of an app's container: hardened, with PORT set to the app's port.

    With `keep` it has the app's own volumes, otherwise empty ones that go with the container.
    """
    return ContainerSpec(
        name=name,
        image_id=image.id,
        labels={**app.container_labels, **labels},
        environment={"PORT": str(app.port), **app.environment},
        port=app.port,
        host_port=host_port,
        memory=app.memory,
        pids=app.pids,
        cpus=app.cpus,
        stop_grace=app.stop_grace,
        tmpfs=app.tmpfs,
        volumes=app.volume_names if keep else dict.fromkeys(app.volume_names, ""),
    )


def run_checks_in_container(  # noqa: PLR0913  each argument is one thing
    world: World,
    app: App,
    image: Image,
    emit: Emit,
    *,
    scan: FileScan | None = None,
    visit: Callable[[BaseUrl], None] | None = None,
    log: bool = False,
) -> tuple[Result, ...]:
    """Run an app's checks in a fresh container of an image and return the results; the container is always removed.

    At the same time its files are read for `scan`, if that needs them. If all pass, `visit` is called with the
    container's address, and the container is removed in the background. With `log`, the app's log is emitted in the
    end.
    """
    remove_leftovers(world, app)
    passed: list[tuple[Result, ...]] = []
    with smoke_container(world, app, image, emit, remove_later=lambda: bool(passed)) as container_id:
        try:
            started, answered = threading.Event(), threading.Event()
            reading = scan.begin(container_id, started=started.wait, answered=answered.wait) if scan else None
            with reading or nullcontext():
                try:
                    results = start_and_check(
                        world.engine,
                        app,
                        image,
                        container_id,
                        emit,
                        visit=visit,
                        started=started.set,
                        answered=answered.set,
                    )
                finally:
                    started.set()
                    answered.set()
                if (now := world.engine.container(container_id)) is None or not now.running:
                    raise container_error(world.engine, app, image, container_id, results=results)
                if reading:
                    reading.wait()
        finally:
            with suppress(SeatrialError):  # an unreadable log must not mask the result
                if log and world.engine.container(container_id):
                    emit(AppLog(lines=tuple(world.engine.logs(container_id, tail=_LONGEST_LOG))))
        passed.append(results)
        return results


@contextmanager
def smoke_container(  # noqa: PLR0913  each argument is one thing
    world: World,
    app: App,
    image: Image,
    emit: Emit,
    *,
    command: tuple[str, ...] = (),
    remove_later: Callable[[], bool] = lambda: False,
) -> Iterator[str]:
    """Create a fresh container of an image for the block, and yield its id; it is always removed.

    `command` takes the place of the image's own. It is removed in the background if `remove_later` says so in the end.
    """
    name = f"{app.container_name}-smoke-{world.process.run}"
    labels = {SMOKE_LABEL: "1", **world.process.labels}
    spec = replace(spec_for(app, image, name=name, host_port=0, labels=labels), command=command)
    made: list[str] = []

    def remove() -> None:
        if made:
            world.engine.remove(made[0])
        elif (found := world.engine.container(name)) and spec.labels.items() <= found.labels.items():
            world.engine.remove(found.id)  # made without saying so

    with temporary(
        lambda: made.append(world.engine.create(spec, emit)),
        lambda: world.background.do(remove) if remove_later() else remove(),
    ):
        yield made[0]


def remove_leftovers(world: World, app: App) -> None:
    """Remove the smoke containers that killed runs left of this app."""
    for leftover in world.engine.containers({**app.labels, SMOKE_LABEL: "1"}):
        if app.owns(leftover.labels) and world.process.left_by_dead_run(leftover.labels):
            world.engine.remove(leftover.id)


def start_and_check(  # noqa: PLR0913  each argument is one thing
    engine: Engine,
    app: App,
    image: Image,
    container_id: str,
    emit: Emit,
    *,
    host_port: int = 0,
    visit: Callable[[BaseUrl], None] | None = None,
    started: Callable[[], None] = lambda: None,
    answered: Callable[[], None] = lambda: None,
) -> tuple[Result, ...]:
    """Start a container and run the app's checks against it; return the results, and raise as `run_checks` does.

    Raise `ContainerFailed` with the cause if it cannot start, and with the owner of a taken `host_port`. The engine's
    init would run a file that the kernel cannot run as a shell script; without it nothing would start. `started` is
    called when it has started, and `answered` when the app has passed its checks for the first time.
    """
    programs: list[Task[Program | None]] = []

    def on_answer() -> None:
        programs.append(Task(partial(engine.program_file, container_id)))
        answered()

    try:
        _start(engine, app, image, container_id, host_port=host_port)
        started()
        results = run_checks(engine, app, image, container_id, emit, visit=visit, answered=on_answer)
    except StepFailed:
        _require_executable(engine, app, image, container_id, programs)
        raise
    _require_executable(engine, app, image, container_id, programs)
    return results


def _require_executable(
    engine: Engine, app: App, image: Image, container_id: str, programs: list[Task[Program | None]]
) -> None:
    program = programs[0].result() if programs else engine.program_file(container_id)
    if program and program.kind == "other":
        words = f"{program.path}: exec format error"
        raise container_error(engine, app, image, container_id, words=words, program=program)


def _start(engine: Engine, app: App, image: Image, container_id: str, *, host_port: int) -> None:
    try:
        engine.start(container_id)
    except ContainerFailed as error:
        if error.cause == "port-taken":
            if not host_port:  # the engine chose the port
                raise
            owner = find_port_owner(engine.containers({}), host_port, host=engine.published_host)
            raise ContainerFailed(
                f"port {host_port} is taken",
                reason=f"{owner} uses it" if owner else error.reason,
                hint=f"invoke run --port {host_port % _HIGHEST_PORT + 1}" + (f", or stop {owner}" if owner else ""),
                cause="port-taken",
            ) from error
        raise container_error(engine, app, image, container_id, words=error.reason) from error


def run_checks(  # noqa: PLR0913  each argument is one thing
    engine: Engine,
    app: App,
    image: Image,
    container_id: str,
    emit: Emit,
    *,
    visit: Callable[[BaseUrl], None] | None = None,
    answered: Callable[[], None] = lambda: None,
) -> tuple[Result, ...]:
    """Run the app's checks against a started container, return the results, and call `visit` with its address.

    `answered` is called when the app has passed its checks for the first time. Raise `ContainerFailed` as soon as the
    container is dead, and `SmokeFailed` if a check fails, both with their cause, a hint and the evidence.
    """
    container = engine.container(container_id)
    if container is None or not container.running:
        raise container_error(engine, app, image, container_id)
    container_id = container.id  # from here on another container with the same name does not count
    port = container.ports.get(app.port)

    def alive() -> bool:
        now = engine.container(container_id)
        return now is not None and now.running and (now.started, now.name) == (container.started, container.name)

    if port is None:
        raise ContainerFailed(
            f"{app.name} cannot be reached",
            reason=f"the engine has not published the container's port {app.port}",
            hint="docker ps -a",
            cause="not-published",
        )
    require_reachable(engine, container, app.port, port)
    base_url = BaseUrl(host=engine.published_host, port=port)
    expected = Expected.of(image)
    settled = Settled(engine=engine, app=app, image=image, container_id=container_id, emit=emit)
    results = probe(base_url, app.checks, expected=expected, seconds=app.smoke_timeout, alive=alive, settled=settled)
    passed = time.monotonic()
    for result in results:
        emit(result.as_event)
    if not any(result.problem for result in results):
        answered()
        check_health(engine, app, container)
        time.sleep(max(0.0, passed + _STANDING_SECONDS - time.monotonic()))
        results = _asked_again(base_url, app, expected, results, alive)
    now = engine.container(container_id)
    check_untouched(app, asked=container, now=now)
    if any(result.problem for result in results) or (now is not None and not now.running):
        raise container_error(engine, app, image, container_id, results=results)
    require_stable(engine, app, image, container_id, results)
    check_identity(app, image, asked=container, now=now)
    if visit:
        try:
            visit(base_url)
        except SmokeFailed as error:
            if not alive():
                raise container_error(engine, app, image, container_id, results=results) from error
            raise
    return results


def _asked_again(
    base_url: BaseUrl, app: App, expected: Expected, results: tuple[Result, ...], alive: Callable[[], bool]
) -> tuple[Result, ...]:
    """Repeat the first check that only reads; return the results with its problem. An app may end with an answer."""
    at = next((at for at, check in enumerate(app.checks) if check.method in ("GET", "HEAD")), None)
    if at is None:
        return results
    check = app.checks[at].but(within=None)
    (again,) = probe(base_url, (check,), expected=expected, seconds=app.smoke_timeout, alive=alive)
    if not alive():
        return results
    return (*results[:at], replace(results[at], problem=again.problem, final=again.final), *results[at + 1 :])
