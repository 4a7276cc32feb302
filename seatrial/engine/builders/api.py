"""A build over the engine's API: one request with the build context as its body, and a stream of progress."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.engine.builders.buildkit import FailedVertex, Progress
from seatrial.engine.builders.buildkit_status import Status, status_from_protobuf
from seatrial.engine.builders.failure import BuildStopped
from seatrial.engine.connection import api_url
from seatrial.engine.failures import message_in, stream_error
from seatrial.engine.messages import read_messages
from seatrial.engine.model import BuildRequest
from seatrial.engine.protocol import Emit
from seatrial.errors import Unavailable
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
_MANY, _LARGE = 300, 4_000_000  # fewer files, and fewer bytes, are sent in less time than they are compared
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
    """A build by BuildKit in the engine itself; `client` sends the requests."""

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
        for message in self._messages(request):
            aux = message.get("aux")
            done = done or (isinstance(aux, dict) and "ID" in aux)
            if message.get("id") == "moby.buildkit.trace" and isinstance(aux, str) and (status := _status(aux)):
                yield from self._progress.feed(status)
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
        dockerfile, needed = self._dockerfile(request), bool(request.options.secrets)
        sends_files = _gains_from_file_sync(request)
        if needed or sends_files:
            from seatrial.engine.builders.session import Session, SessionRefused

            session = Session(self._client, request, dockerfile if sends_files else None, self.grown.append)
            try:
                with session:
                    source, body = (session.parameters, None) if sends_files else self._archive(request, dockerfile)
                    yield from self._answer(request, {**source, "session": session.id}, body)
            except SessionRefused as refusal:
                if needed:
                    raise Unavailable(
                        "the engine cannot ask for build secrets",
                        reason=f"it opens no session: {refusal}",
                        hint="connect to the engine without a proxy, or remove build_secrets from the settings",
                    ) from refusal
            except BuildStopped:
                if session.error:
                    raise session.error from None
                if needed or not session.is_lost:
                    raise
                self._emit(WarningEvent(text="the engine lost the connection for the files: all are sent again"))
                self._progress = Progress()
            else:
                return
        yield from self._answer(request, *self._archive(request, dockerfile))

    def _answer(
        self, request: BuildRequest, source: dict[str, str], body: Iterator[bytes] | None
    ) -> Iterator[dict[str, Any]]:
        """Yield the engine's messages while it builds; `source` are the parameters that say where the files are."""
        options = request.options
        response = self._client.post(
            api_url(self._client, "build"),
            params={
                **source,
                "version": _BUILDKIT,
                "buildid": self._id,
                "t": request.reference.familiar,
                "buildargs": json.dumps({**self._proxies, **options.arguments}),
                "labels": json.dumps(dict(request.labels)),
                "target": options.target or "",
                "platform": next(iter(options.platforms), ""),
                "nocache": "" if options.cache else "1",
                "rm": "1",
                "forcerm": "1",
            },
            data=body,
            headers={"Content-Type": "application/x-tar", "X-Registry-Config": _NO_CREDENTIALS},
            stream=True,
            timeout=None,  # a RUN may print nothing for a long time; the caller enforces the limit
        )
        with response:
            if response.status_code >= _BAD_REQUEST:
                raise BuildStopped(message_in(response.text))
            for message in read_messages(response.iter_content(chunk_size=None), longest=_LONGEST_MESSAGE):
                if text := stream_error(message):
                    raise BuildStopped(text)
                yield message

    def _archive(self, request: BuildRequest, dockerfile: bytes) -> tuple[dict[str, str], Iterator[bytes]]:
        """Return the parameters and the body of a build whose files are in the body."""
        path, context = request.dockerfile, request.context
        name = path.relative_to(context.folder).as_posix() if path.is_relative_to(context.folder) else ""
        # With a longer name the tar begins with an extended header, and BuildKit does not recognise it as a tar.
        if name not in context.entries or len(name.encode()) >= _LONGEST_NAME:
            name = added_dockerfile_name(context)
        grown = self.grown.append
        body = stream(context, {name: dockerfile}, mtime=request.epoch, digests=request.digests, grown=grown)
        return {"dockerfile": name}, body

    def _dockerfile(self, request: BuildRequest) -> bytes:
        """Return the Dockerfile as it is sent."""
        text, options = request.content.decode("utf-8"), request.options
        if (frontend := syntax_directive(text)) is not None:
            # BuildKit has no credentials to fetch a frontend; the engine has its own.
            self._emit(
                WarningEvent(text=f"# syntax={frontend} is ignored: the engine's own Dockerfile frontend is used")
            )
            # Stages after the target may need that frontend; they are not built.
            text = up_to_target(without_syntax_directive(text), options.arguments, options.target)
        return text.encode()


def _gains_from_file_sync(request: BuildRequest) -> bool:
    """Return whether the engine should compare the files with those of earlier builds, instead of getting all.

    With an epoch, files with other content have the same time, and so has every folder: only an archive sets it. No
    session takes names that are not UTF-8.
    """
    names = request.context.entries
    if request.epoch is not None or (len(names) < _MANY and request.context.size < _LARGE):
        return False
    return all(name.isascii() or _is_utf8(name) for name in names)


def _status(aux: str) -> Status | None:
    """Return the status in a message's `aux`, or None if it is damaged."""
    try:
        return status_from_protobuf(base64.b64decode(aux))
    except ValueError:
        return None


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
