"""Run the checks of an image that serves nothing: commands, each in a container of its own."""

from __future__ import annotations

import time
from contextlib import nullcontext

from seatrial.checks.http.probe import Result
from seatrial.checks.http.response import Expected
from seatrial.checks.image.file_scan import FileScan
from seatrial.diagnosis.failure import container_error
from seatrial.engine.model import Container, Image
from seatrial.engine.protocol import Emit
from seatrial.errors import SmokeFailed, StepFailed, sanitize
from seatrial.model.app import App, Check
from seatrial.pipeline.world import World
from seatrial.steps.smoke.smoke_container import remove_leftovers, smoke_container

__all__ = ["run_commands"]

_PAUSE = 0.02
_LONGEST_LINE = 200
_NOT_ITS_OWN = 125  # from here on it was not found, not executable, or ended by a signal


def run_commands(world: World, app: App, image: Image, emit: Emit, *, scan: FileScan) -> tuple[Result, ...]:
    """Run each command in a fresh container of an image, and return the results; the containers are always removed.

    The files of the first are read for `scan`. Raise `SmokeFailed` if a command does not exit with 0, or still runs
    after the app's `smoke_timeout`, and `ContainerFailed` with the cause if one cannot run or is killed.
    """
    remove_leftovers(world, app)
    results: list[Result] = []
    until = time.monotonic() + app.smoke_timeout
    for number, check in enumerate(app.checks):
        results.append(_run(world, app, image, emit, check, scan=None if number else scan, until=until))
        emit(results[-1].as_event)
    return tuple(results)


def _run(  # noqa: PLR0913  each argument is one thing
    world: World, app: App, image: Image, emit: Emit, check: Check, *, scan: FileScan | None, until: float
) -> Result:
    command = tuple(Expected.of(image).with_version(check.command))
    with smoke_container(world, app, image, emit, command=command) as container_id:
        reading = scan.begin(container_id) if scan else None
        with reading or nullcontext():
            began = time.monotonic()
            world.engine.start(container_id)
            ended = _ended(world, container_id, until)
            seconds = time.monotonic() - began
            if ended is None or ended.running or ended.exit_code:
                error = _failure(world, app, image, check, container_id=container_id, ended=ended)
                emit(Result(check=check, problem=error.reason, seconds=seconds).as_event)
                raise error
            if reading:
                reading.wait()
    return Result(check=check, problem=None, seconds=seconds)


def _failure(  # noqa: PLR0913  each argument is one thing
    world: World, app: App, image: Image, check: Check, *, container_id: str, ended: Container | None
) -> StepFailed:
    if ended and ended.running:
        return SmokeFailed(
            f"{check} did not end in {image.name}",
            reason=f"it still ran after {app.smoke_timeout:g} s",
            hint=f"smoke_timeout: {2 * app.smoke_timeout:g} under apps.{app.name} in invoke.yaml, then: invoke smoke",
            cause="slow-start",
        )
    error = container_error(world.engine, app, image, container_id)
    if ended is None or ended.exit_code >= _NOT_ITS_OWN:
        return error
    last = next(iter(world.engine.logs(container_id, tail=1)), "")
    return SmokeFailed(
        f"{check} failed in {image.name}",
        reason=f"exit code {ended.exit_code}{last and f', after it wrote: {sanitize(last, limit=_LONGEST_LINE)}'}",
        hint=f"fix what it found, or checks under apps.{app.name} in invoke.yaml, then: invoke build smoke",
        cause="command-failed",
        details=error.details,
    )


def _ended(world: World, container_id: str, until: float) -> Container | None:
    """Wait until a container has ended, or the time is over, and return it; None if it is gone."""
    while (container := world.engine.container(container_id)) and container.running:
        if time.monotonic() >= until:
            break
        time.sleep(_PAUSE)
    return container
