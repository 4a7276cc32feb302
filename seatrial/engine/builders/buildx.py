"""A build by docker buildx, for what the engine's API cannot do alone."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from seatrial.engine.builders.api import added_dockerfile_name
from seatrial.engine.builders.buildkit import LAST_LINES, FailedVertex, Progress
from seatrial.engine.builders.buildkit_status import status_from_json
from seatrial.engine.builders.failure import BuildStopped
from seatrial.engine.docker_words import build_words
from seatrial.engine.model import BuildRequest
from seatrial.errors import Unavailable
from seatrial.events import BuildEvent
from seatrial.host.subprocesses import PipedProcess, output_of
from seatrial.settings.variables import variables
from seatrial.sources.archive import stream

__all__ = ["BuildxBuild"]

_VERSION = re.compile(r"v?(\d+\.\d+\S*)")
# What docker, buildx and their helpers take as settings of their own: a build argument must not change them.
_SETTINGS = re.compile(
    "HOME|PATH|TMPDIR|(?:BUILDKIT|BUILDX|DOCKER|EXPERIMENTAL_BUILDKIT|LD|OTEL|SSH|SSL|XDG)_.*|GO[A-Z]+|.*_(?:PROXY|proxy)"
)


class BuildxBuild:
    """A build by the plugin of the docker CLI, with the same build context and the same events."""

    def __init__(self, version: str) -> None:
        self.grown: list[str] = []
        self._version = version
        self._progress = Progress()
        self._other_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._process: PipedProcess | None = None

    @classmethod
    def installed(cls, requirements: str) -> BuildxBuild:
        """Return a build by the installed buildx; raise `Unavailable` with the requirements if there is none."""
        output = output_of(["docker", "buildx", "version"])
        version = _VERSION.search(output or "")
        if version is None:
            raise Unavailable(
                f"this build needs docker buildx ({requirements})",
                reason="only docker buildx can do that, and the docker CLI here does not have this plugin",
                hint="install it (apt-get install docker-buildx, or docker-buildx-plugin from Docker), then try again",
            )
        return cls(version[1])

    @property
    def builder(self) -> str:
        """The builder's name."""
        return f"docker buildx {self._version}"

    def events(self, request: BuildRequest) -> Iterator[BuildEvent]:
        """Build and yield progress events; raise `BuildStopped` if the build fails."""
        # The Dockerfile gets a name of its own: buildx looks for it in the tar that it reads.
        name = added_dockerfile_name(request.context)
        body = stream(
            request.context,
            {name: request.content},
            mtime=request.epoch,
            digests=request.digests,
            grown=self.grown.append,
        )
        words, values = _command(request, name)
        with PipedProcess(words, body, environment=variables(**values)) as process:
            self._process = process
            for line in process.lines():
                status = status_from_json(line)
                if status is None:
                    self._other_lines.append(line)
                else:
                    yield from self._progress.feed(status)
            yield from self._progress.finish()
            if process.wait():
                raise BuildStopped(self._error_message())

    def failed(self) -> FailedVertex | None:
        """Return the part of the build that failed, or None if unknown."""
        return self._progress.failed()

    def cancel(self) -> None:
        """Stop buildx; the engine then stops the build, because the connection is closed."""
        if self._process:
            self._process.end()

    def _error_message(self) -> str:
        errors = [line for line in self._other_lines if line.startswith("ERROR: ")]
        message = errors[-1] if errors else next(reversed(self._other_lines), "docker buildx gave no reason")
        return message.removeprefix("ERROR: ")


def _command(request: BuildRequest, dockerfile: str) -> tuple[list[str], dict[str, str]]:
    """Return the command, and the environment variables from which it takes the values of build arguments.

    Every user of this machine can read a command line.
    """
    options = request.options
    values = {name: value for name, value in options.arguments.items() if not _SETTINGS.fullmatch(name)}
    arguments = [name if name in values else f"{name}={value}" for name, value in options.arguments.items()]
    flags = build_words(request.reference, options, request.labels, arguments, buildx=True)
    return ["docker", "buildx", "build", "--progress=rawjson", f"--file={dockerfile}", *flags, "-"], values
