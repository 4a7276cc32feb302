"""A build: by BuildKit over the engine's API where it can, by docker buildx where only that can, else as of old."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from seatrial.engine.builders.api import ApiBuild, BuildKitReader, ClassicReader
from seatrial.engine.builders.buildkit import FailedVertex
from seatrial.engine.builders.buildx import BuildxBuild
from seatrial.engine.builders.failure import BuildStopped, explained
from seatrial.engine.connection import Connection
from seatrial.engine.model import BuildRequest
from seatrial.engine.protocol import Emit
from seatrial.errors import BuildFailed
from seatrial.events import BuildEvent, Info
from seatrial.model.app import BUILDER_LABEL, BuildOptions

__all__ = ["build", "builder"]

_FIRST_API_WITH_BUILDKIT = (1, 39)


class _Work(Protocol):
    """One build under way in a builder."""

    @property
    def builder(self) -> str:
        """Who builds, for people."""
        ...

    def events(self, request: BuildRequest) -> Iterator[BuildEvent]:
        """Build, and give what happens; `BuildStopped` when the builder gives up."""
        ...

    def failed(self) -> FailedVertex | None:
        """Return the part that failed, or None when that is not known."""
        ...

    def cancel(self) -> None:
        """Let the builder stop."""
        ...


def build(connection: Connection, request: BuildRequest, emit: Emit) -> str:
    """Build, and give the image's id; `BuildFailed` with the last lines of what failed otherwise.

    The image's label `seatrial.builder` says who built it. The build is cancelled in the engine when this is
    interrupted or takes longer than the request's timeout.
    """
    with connection.translate_errors("the engine cannot build"):
        work = _work(connection, request.options, emit)
        emit(Info(text=f"builder: {work.builder}"))
        request = replace(request, labels={**request.labels, BUILDER_LABEL: work.builder})
        _carry_out(work, request, emit)
        found = connection.client.inspect_image(request.reference.familiar)
        return str(found["Id"])


def builder(connection: Connection, options: BuildOptions) -> str:
    """Return who would build with these options, for people; `Unavailable` when nobody here can."""
    with connection.translate_errors("the engine cannot build"):
        return _work(connection, options, lambda _: None).builder


def _work(connection: Connection, options: BuildOptions, emit: Emit) -> _Work:
    if wishes := options.needs_buildx:
        return BuildxBuild.found(wishes)
    api = tuple(int(part) for part in connection.client.api_version.split("."))
    return ApiBuild(connection.client, BuildKitReader() if api >= _FIRST_API_WITH_BUILDKIT else ClassicReader(), emit)


def _carry_out(work: _Work, request: BuildRequest, emit: Emit) -> None:
    late = threading.Event()

    def give_up() -> None:
        late.set()
        work.cancel()

    watch = threading.Timer(request.options.timeout, give_up)
    watch.daemon = True
    watch.start()
    try:
        for event in work.events(request):
            emit(event)
    except BuildStopped as error:
        raise _late(request, work) if late.is_set() else explained(request, work.failed(), str(error)) from error
    except BaseException:
        work.cancel()
        if late.is_set():
            raise _late(request, work) from None
        raise
    finally:
        watch.cancel()


def _late(request: BuildRequest, work: _Work) -> BuildFailed:
    failed = work.failed()
    return BuildFailed(
        "the build took too long",
        reason=f"it was not done after {request.options.timeout:g} s and was cancelled",
        hint="raise build_timeout in the settings, or look at the step that ran last",
        details=failed.lines if failed else (),
        cause="build-timeout",
    )
