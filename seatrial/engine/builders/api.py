"""A build over the engine's API: one request with the build context as its body, and a stream of progress."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import APIError

from seatrial.engine.builders.buildkit import FailedVertex, Progress
from seatrial.engine.builders.buildkit_status import Status, status_from_protobuf
from seatrial.engine.builders.failure import BuildStopped
from seatrial.engine.connection import api_url
from seatrial.engine.failures import engine_message, stream_error
from seatrial.engine.messages import read_messages
from seatrial.engine.model import BuildRequest
from seatrial.engine.protocol import Emit
from seatrial.events import BuildEvent, WarningEvent
from seatrial.sources.archive import stream
from seatrial.sources.context import Context
from seatrial.sources.dockerfile import up_to_target
from seatrial.sources.dockerfile_lines import syntax_directive, without_syntax_directive

__all__ = ["ApiBuild", "added_dockerfile_name"]

_BAD_REQUEST = 400
_BUILDKIT = "2"  # its number in the API
_LONGEST_NAME = 100
_LONGEST_MESSAGE = 64 * 1024 * 1024  # all that a build printed in a tenth of a second
_NO_CREDENTIALS = "e30="  # {} in base64: the base images are already in the engine


def added_dockerfile_name(context: Context) -> str:
    """Return a name that no file of the context has; the Dockerfile is added to the context under it.

    The same context always gets the same name, because `COPY . .` copies the added file into the image.
    """
    name = ".seatrial.Dockerfile"
    while name in context.entries:
        name += "_"
    return name


class ApiBuild:
    """A build by BuildKit in the engine itself."""

    builder = "BuildKit"

    def __init__(self, client: Any, emit: Emit, proxies: Mapping[str, str]) -> None:
        self.grown: list[str] = []
        self._client = client
        self._emit = emit
        self._proxies = proxies  # not part of an image's inputs: BuildKit leaves them out of cache and history
        self._id = secrets.token_hex(8)
        self._progress = Progress()

    def events(self, request: BuildRequest) -> Iterator[BuildEvent]:
        """Build and yield progress events; raise `BuildStopped` if the build fails."""
        done = False
        try:
            for message in self._messages(request):
                aux = message.get("aux")
                done = done or (isinstance(aux, dict) and "ID" in aux)
                if message.get("id") == "moby.buildkit.trace" and isinstance(aux, str) and (status := _status(aux)):
                    yield from self._progress.feed(status)
        except APIError as error:
            raise BuildStopped(engine_message(error)) from error
        yield from self._progress.finish()
        if not done:
            raise BuildStopped("the engine's answer ended without an image")

    def failed(self) -> FailedVertex | None:
        """Return the part of the build that failed, or None if unknown."""
        return self._progress.failed()

    def cancel(self) -> None:
        """Cancel the build in the engine."""
        try:
            self._client.post(api_url(self._client, "build/cancel"), params={"id": self._id}, timeout=5)
        except OSError:
            return  # an engine that is gone does not build any more

    def _messages(self, request: BuildRequest) -> Iterator[dict[str, Any]]:
        name, content = self._dockerfile(request)
        options = request.options
        response = self._client.post(
            api_url(self._client, "build"),
            params={
                "version": _BUILDKIT,
                "buildid": self._id,
                "t": request.reference.familiar,
                "dockerfile": name,
                "buildargs": json.dumps({**self._proxies, **options.arguments}),
                "labels": json.dumps(dict(request.labels)),
                "target": options.target or "",
                "platform": next(iter(options.platforms), ""),
                "nocache": "" if options.cache else "1",
                "rm": "1",
                "forcerm": "1",
            },
            data=stream(
                request.context, {name: content}, mtime=request.epoch, digests=request.digests, grown=self.grown.append
            ),
            headers={"Content-Type": "application/x-tar", "X-Registry-Config": _NO_CREDENTIALS},
            stream=True,
            timeout=None,  # a RUN may print nothing for a long time; the caller enforces the limit
        )
        with response:
            if response.status_code >= _BAD_REQUEST:
                raise BuildStopped(_message(response.text))
            for message in read_messages(response.iter_content(chunk_size=None), longest=_LONGEST_MESSAGE):
                if text := stream_error(message):
                    raise BuildStopped(text)
                yield message

    def _dockerfile(self, request: BuildRequest) -> tuple[str, bytes]:
        """Return the name and the content with which the Dockerfile is sent."""
        path, options = request.dockerfile, request.options
        text = request.content.decode("utf-8")
        if (frontend := syntax_directive(text)) is not None:
            # Without a session BuildKit cannot fetch a frontend ("no active sessions"); the engine has its own.
            self._emit(
                WarningEvent(text=f"# syntax={frontend} is ignored: the engine's own Dockerfile frontend is used")
            )
            # Stages after the target may need that frontend; they are not built.
            text = up_to_target(without_syntax_directive(text), options.arguments, options.target)
        folder = request.context.folder
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""
        # With a longer name the tar begins with an extended header, and BuildKit does not recognise it as a tar.
        inside = name in request.context.entries and len(name.encode()) < _LONGEST_NAME
        return (name if inside else added_dockerfile_name(request.context)), text.encode()


def _status(aux: str) -> Status | None:
    """Return the status in a message's `aux`, or None if it is damaged."""
    try:
        return status_from_protobuf(base64.b64decode(aux))
    except ValueError:
        return None


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text
