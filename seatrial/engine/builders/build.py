"""A build: by BuildKit over the engine's API, or by docker buildx if the options need it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Protocol

from msgspec.structs import replace

from seatrial.engine.api_version import require_buildkit
from seatrial.engine.builders.api import ApiBuild
from seatrial.engine.builders.buildkit import FailedVertex
from seatrial.engine.builders.buildx import BuildxBuild
from seatrial.engine.builders.failure import BuildStopped, build_error
from seatrial.engine.builders.masking import Mask
from seatrial.engine.connection import Connection
from seatrial.engine.model import BuildRequest
from seatrial.engine.protocol import Emit
from seatrial.errors import BuildFailed, SeatrialError
from seatrial.events import BuildEvent, Info, WarningEvent
from seatrial.host.signals import start_thread
from seatrial.model.app import BUILDER_LABEL, BuildOptions
from seatrial.wording import summarize_names

__all__ = ["build", "builder"]


class _BuilderRun(Protocol):
    """One build in one builder."""

    grown: list[str]
    """The files that have grown since the context was read, and were sent as they were then."""

    @property
    def builder(self) -> str:
        """The builder's name."""
        ...

    def events(self, request: BuildRequest) -> Iterator[BuildEvent]:
        """Build and yield progress events; raise `BuildStopped` if the build fails."""
        ...

    def failed(self) -> FailedVertex | None:
        """Return the part of the build that failed, or None if unknown."""
        ...

    def cancel(self) -> None:
        """Cancel the build."""
        ...


def build(connection: Connection, request: BuildRequest, emit: Emit, client: Any = None) -> None:
    """Build an image; raise `BuildFailed` with the last lines of output if the build fails.

    `client` sends the requests of a build over the API, else the SDK's.

    The image's label `seatrial.builder` names the builder. Values of build arguments and secrets are masked in all that
    the builder says. The build is cancelled in the engine if this is interrupted
    or takes longer than the request's timeout.
    """
    mask = Mask(request)
    try:
        with connection.translate_errors("the engine cannot build"):
            run = _builder_run(connection, request.options, emit, client)
            emit(Info(text=f"builder: {run.builder}"))
            request = replace(request, labels={**request.labels, BUILDER_LABEL: run.builder})
            _run_build(run, request, mask, emit)
            if run.grown:
                names = summarize_names(run.grown)
                emit(WarningEvent(text=f"sent as it was when the build began, and it has grown since: {names}"))
    except SeatrialError as error:
        raise mask.error(error) from None  # the error of the connection holds the request with all arguments


def builder(connection: Connection, options: BuildOptions, client: Any = None) -> str:
    """Return the name of the builder for these options; raise `Unavailable` if no builder here supports them."""
    with connection.translate_errors("the engine cannot build"):
        return _builder_run(connection, options, lambda _: None, client).builder


def _builder_run(connection: Connection, options: BuildOptions, emit: Emit, client: Any) -> _BuilderRun:
    if requirements := options.needs_buildx:
        return BuildxBuild.installed(requirements)
    client = client or connection.client
    require_buildkit(client.api_version)
    return ApiBuild(client, emit, connection.proxies_inside)


def _run_build(run: _BuilderRun, request: BuildRequest, mask: Mask, emit: Emit) -> None:
    timed_out = threading.Event()

    def cancel_late() -> None:
        timed_out.set()
        run.cancel()

    watch = threading.Timer(request.options.timeout, cancel_late)
    watch.daemon = True
    start_thread(watch)
    try:
        for event in run.events(request):
            emit(mask.event(event))
    except BuildStopped as error:
        if timed_out.is_set():
            raise _timeout_error(request, mask.failed(run.failed())) from error
        raise build_error(request, mask.failed(run.failed()), mask.text(str(error))) from error
    except BaseException:
        run.cancel()
        if timed_out.is_set():
            raise _timeout_error(request, mask.failed(run.failed())) from None
        raise
    finally:
        watch.cancel()


def _timeout_error(request: BuildRequest, failed: FailedVertex | None) -> BuildFailed:
    return BuildFailed(
        "the build took too long",
        reason=f"it was not finished after {request.options.timeout:g} s and was cancelled",
        hint="raise build_timeout in the settings, or look at the step that ran last",
        details=failed.lines if failed else (),
        cause="build-timeout",
    )
