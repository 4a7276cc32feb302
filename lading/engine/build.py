"""A build over the engine's API: BuildKit where the engine has it, the classic builder elsewhere."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
from collections.abc import Iterable
from typing import Any

from docker.errors import APIError
from docker.utils.json_stream import json_stream, stream_as_text

from lading.context import pack
from lading.dockerfile import syntax_directive, up_to_target, without_syntax_directive
from lading.engine.buildkit import Progress, decode_status
from lading.engine.connection import Connection, engine_words, stream_error
from lading.engine.model import BuildRequest
from lading.engine.protocol import Tell
from lading.errors import BuildFailed
from lading.events import BuildEvent, BuildEventKind, Caution, Note

__all__ = ["build"]

_FIRST_API_WITH_BUILDKIT = (1, 39)
_BAD_REQUEST = 400
_LAST_LINES = 20
_NO_CREDENTIALS = "e30="  # {} in base64
_CAUSES = (
    (
        "DO NOT MATCH THE HASHES",
        "security: a package is not the one that was locked; nobody should install it",
    ),
    ("No matching distribution found", "a requirement has no such version"),
    ("Temporary failure in name resolution", "the build has no network"),
    ("no space left on device", "the engine's disk is full (docker system df)"),
    ("externally-managed-environment", "pip refuses to install outside of a virtual environment"),
)


def build(line: Connection, request: BuildRequest, tell: Tell) -> str:
    """Build, and give the image's id; `BuildFailed` with the last lines of what failed otherwise.

    The build is cancelled in the engine when this is interrupted or takes longer than `request.timeout`.
    """
    with line.speaking("the engine cannot build"):
        api = tuple(int(part) for part in line.client.api_version.split("."))
        reader = _BuildKit(tell) if api >= _FIRST_API_WITH_BUILDKIT else _Classic(tell)
        tell(Note(text=f"builder: {reader.name}"))
        return _Build(line, request, reader, tell).run()


class _Build:
    def __init__(self, line: Connection, request: BuildRequest, reader: _BuildKit | _Classic, tell: Tell) -> None:
        self._client = line.client
        self._request = request
        self._reader = reader
        self._tell = tell
        self._id = secrets.token_hex(8)
        self._late = threading.Event()

    def run(self) -> str:
        request, image_id = self._request, None
        watch = threading.Timer(request.timeout, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            for message in self._stream():
                image_id = self._reader.read(message) or image_id
        except APIError as error:
            raise self._failure(engine_words(error)) from error
        except BuildFailed:
            raise
        except BaseException:
            self._cancel()
            if self._late.is_set():
                raise self._failure("") from None
            raise
        finally:
            watch.cancel()
        self._reader.finish()
        if image_id is None:
            raise self._failure("the engine's answer ended without an image")
        return image_id

    def _stream(self) -> Iterable[dict[str, Any]]:
        request, client = self._request, self._client
        name, content = self._dockerfile()
        with pack(request.context, request.files, {name: content}) as archive:
            answer = client.post(
                f"{client.base_url}/v{client.api_version}/build",
                params={
                    "version": self._reader.version,
                    "buildid": self._id,
                    "t": request.reference.familiar,
                    "dockerfile": name,
                    "buildargs": json.dumps(dict(request.build_args)),
                    "labels": json.dumps(dict(request.labels)),
                    "target": request.target or "",
                    "rm": "1",
                    "forcerm": "1",
                },
                data=archive,
                headers={"Content-Type": "application/x-tar", "X-Registry-Config": _NO_CREDENTIALS},
                stream=True,
                timeout=None,  # a RUN may be silent for long; `_give_up` holds the limit
            )
        with answer:
            if answer.status_code >= _BAD_REQUEST:
                raise self._failure(_message(answer.text))
            for message in json_stream(stream_as_text(answer.iter_content(chunk_size=None))):
                if words := stream_error(message):
                    raise self._failure(words)
                yield message

    def _dockerfile(self) -> tuple[str, bytes]:
        """Give the name and content under which the Dockerfile is sent."""
        path, context = self._request.dockerfile, self._request.context
        text = path.read_text("utf-8")
        if (frontend := syntax_directive(text)) is not None:
            # Without a session BuildKit cannot fetch a frontend ("no active sessions"); the engine has its own.
            self._tell(Caution(text=f"# syntax={frontend} is left out: the engine's own Dockerfile frontend is used"))
            # Stages behind the target may be written for that frontend; they are not needed.
            request = self._request
            text = up_to_target(without_syntax_directive(text), request.build_args, request.target)
        inside = path.is_relative_to(context)
        return (path.relative_to(context).as_posix() if inside else f".{self._id}.Dockerfile"), text.encode()

    def _give_up(self) -> None:
        self._late.set()
        self._cancel()

    def _cancel(self) -> None:
        try:
            self._client.post(
                f"{self._client.base_url}/v{self._client.api_version}/build/cancel",
                params={"id": self._id},
                timeout=5,
            )
        except OSError:
            return  # an engine that is gone builds no more either

    def _failure(self, words: str) -> BuildFailed:
        if self._late.is_set():
            return BuildFailed(
                "the build took too long",
                why=f"it was not done after {self._request.timeout:g} s and was cancelled",
                mend="raise build_timeout in the settings, or look at the step that ran last",
                details=self._reader.last_lines(),
            )
        lines = self._reader.last_lines()
        place = self._reader.place()
        found = next((cause for mark, cause in _CAUSES if mark in "\n".join((*lines, words))), None)
        return BuildFailed(
            f"the build failed at {place}" if place else "the build failed",
            why=f"{found} ({words})" if found else words,
            mend=f"mend {self._request.dockerfile.name} or what it installs, then run it again",
            details=lines,
        )


class _BuildKit:
    name = "BuildKit"
    version = "2"

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._progress = Progress()

    def read(self, message: dict[str, Any]) -> str | None:
        """Tell what a message of the stream says; give the image's id when it holds it."""
        aux = message.get("aux")
        if message.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
            try:
                status = decode_status(base64.b64decode(aux))
            except binascii.Error:
                return None
            for event in self._progress.feed(status):
                self._tell(event)
        return str(aux["ID"]) if isinstance(aux, dict) and "ID" in aux else None

    def finish(self) -> None:
        for event in self._progress.finish():
            self._tell(event)

    def place(self) -> str | None:
        failed = self._progress.failed()
        return failed.name if failed else None

    def last_lines(self) -> tuple[str, ...]:
        failed = self._progress.failed()
        return failed.lines if failed else ()


class _Classic:
    name = "classic builder (deprecated; this engine has no BuildKit)"
    version = "1"

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._step: str | None = None
        self._lines: list[str] = []

    def read(self, message: dict[str, Any]) -> str | None:
        """Tell what a message of the stream says; give the image's id when it holds it."""
        for text in str(message.get("stream") or "").splitlines():
            if text.startswith("Step "):
                self._step, self._lines = text, []
                self._tell(BuildEvent(kind=BuildEventKind.STARTED, name=text))
            elif text.strip() and self._step:
                self._lines = [*self._lines, text][-_LAST_LINES:]
                self._tell(BuildEvent(kind=BuildEventKind.LOG, name=self._step, text=text))
        aux = message.get("aux")
        return str(aux["ID"]) if isinstance(aux, dict) and "ID" in aux else None

    def finish(self) -> None:
        """Nothing is held back."""

    def place(self) -> str | None:
        return self._step

    def last_lines(self) -> tuple[str, ...]:
        return tuple(self._lines)


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text
