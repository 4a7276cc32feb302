"""BuildKit's session: a connection over which the engine asks for files and secrets while it builds."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from seatrial.engine.builders.file_sync import Entry, FileSync, context_entries, file_entry, select
from seatrial.engine.builders.grpc_server import Call, CallFailed, Code, GrpcServer, Metadata
from seatrial.engine.builders.protobuf import message_classes
from seatrial.engine.connection import api_url
from seatrial.engine.model import BuildRequest
from seatrial.errors import SeatrialError, UsageError
from seatrial.host.regular_files import read_regular_file
from seatrial.host.signals import start_thread
from seatrial.settings.variables import variables

__all__ = ["Session", "SessionRefused"]

_DOCKERFILE: Final = "Dockerfile"
_HEADER: Final = "X-Docker-Expose-Session"
_FILES: Final = "/moby.filesync.v1.FileSync/DiffCopy"
_SWITCHING_PROTOCOLS: Final = 101
_SECONDS: Final = 10.0
_LONGEST_REFUSAL: Final = 200
_MESSAGES: Final = {
    "Health": "int64 status = 1",
    "SecretRequest": "string id = 1",
    "Secret": "bytes data = 1",
}
_SERVING: Final = 1


class SessionRefused(Exception):  # noqa: N818  the reason to build without one
    """The engine, or a proxy before it, opens no session; the text is its answer."""


class Session:
    """A session for one build, open from `with` to its end.

    It has the request's build secrets, and its files if the `dockerfile` is given. `grown` is called with the names of
    files that have grown. `error` is why a file or secret could not be sent: the engine's own words are of no use then.
    `is_lost` is whether the connection ended before the build did.
    """

    def __init__(
        self, client: Any, request: BuildRequest, dockerfile: bytes | None, grown: Callable[[str], None]
    ) -> None:
        self.id = secrets.token_hex(12)
        self.error: SeatrialError | None = None
        self.is_lost = False
        self._ends = False
        self._client = client
        self._request = request
        self._dockerfile = dockerfile
        self._grown = grown

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of a build that takes its files from the session."""
        return {"remote": "client-session", "dockerfile": _DOCKERFILE}

    def __enter__(self) -> Self:
        """Open the session; raise `SessionRefused` if that cannot be done."""
        self._wire = _Wire(self._client, self.id, _shared_key(self._request))
        methods: dict[str, Callable[[Metadata], Call]] = {
            "/moby.buildkit.secrets.v1.Secrets/GetSecret": lambda _: _Unary(self._secret),
            "/grpc.health.v1.Health/Check": lambda _: _Unary(_health),
        }
        if self._dockerfile is not None:
            methods[_FILES] = partial(self._file_sync, self._dockerfile)
        self._thread = threading.Thread(target=self._serve, args=(GrpcServer(self._wire, methods),), daemon=True)
        start_thread(self._thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the connection and the thread."""
        self._ends = True
        self._wire.end()
        self._thread.join(_SECONDS)
        self._wire.close()

    def _serve(self, server: GrpcServer) -> None:
        try:
            server.serve()
        except SeatrialError as error:
            self.error = error
        except OSError:
            pass  # the build's own connection shows why the engine is gone
        finally:
            self.is_lost = not self._ends
            self._wire.end()

    def _file_sync(self, dockerfile: bytes, metadata: Metadata) -> FileSync:
        folder, paths = metadata.get("dir-name", [""])[0], metadata.get("followpaths", [])
        entries: Sequence[Entry] = ()  # also for .dockerignore alone: what is ignored has been left out already
        if folder == "dockerfile":
            entries = [file_entry(_DOCKERFILE, dockerfile)]
        elif paths != [".dockerignore"]:
            entries = select(context_entries(self._request, self._grown), paths)
        return FileSync(entries, self._failed)

    def _failed(self, error: SeatrialError) -> None:
        self.error = error

    def _secret(self, message: bytes) -> bytes:
        name = _classes()["SecretRequest"].FromString(message).id
        source = self._request.options.secrets.get(name)
        if source is None:
            raise CallFailed(Code.NOT_FOUND, f"there is no build secret {name}")
        kind, _, place = source.partition("=")
        try:
            data = os.fsencode(variables().get(place, "")) if kind == "env" else read_regular_file(Path(place))
        except OSError as error:
            self._failed(
                UsageError(
                    f"the build secret {name} cannot be read",
                    reason=f"{place}: {error.strerror}",
                    hint=f"make {place} a readable file, or fix build_secrets.{name} in invoke.yaml",
                )
            )
            raise CallFailed(Code.UNKNOWN, f"the build secret {name} cannot be read") from error
        answer: bytes = _classes()["Secret"](data=data).SerializeToString()
        return answer


class _Unary:
    """A call with one message in each direction."""

    done = False

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def opened(self) -> Iterable[bytes]:
        """Return nothing: the engine begins."""
        return ()

    def received(self, message: bytes) -> Iterable[bytes]:
        """Return the answer."""
        self.done = True
        return [self._answer(message)]


class _Wire:
    """The connection of a session, over which HTTP/2 is spoken after the engine's answer."""

    def __init__(self, client: Any, session: str, shared_key: str) -> None:
        headers = {"Uuid": session, "Name": "seatrial", "Sharedkey": shared_key, "Grpc-Method": _FILES}
        try:
            self._response = client.post(
                api_url(client, "session"),
                headers={
                    "Connection": "Upgrade",
                    "Upgrade": "h2c",
                    **{f"{_HEADER}-{name}": value for name, value in headers.items()},
                },
                stream=True,
                timeout=_SECONDS,
            )
            if self._response.status_code != _SWITCHING_PROTOCOLS:
                with self._response:
                    words = " ".join(self._response.text.split())[:_LONGEST_REFUSAL]
                    raise SessionRefused(f"{self._response.status_code} {words}".strip())
            # What follows the answer may already be in its buffer, so the socket alone is not enough.
            # The SDK's answer holds that of Python's own client, which ours is.
            self._file = getattr(self._response.raw, "_fp", self._response.raw).fp
            self._socket: socket.socket = self._file.raw._sock  # noqa: SLF001  as the SDK does for attach
            self._socket.settimeout(None)
        except OSError as error:  # also those of requests
            raise SessionRefused(str(error)) from error
        except AttributeError as error:
            raise SessionRefused("this kind of connection cannot be used in both directions") from error

    def read(self, most: int) -> bytes:
        """Wait for bytes and return them; none at the end."""
        data: bytes = self._file.read1(most)
        return data

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        self._socket.sendall(data)

    def end(self) -> None:
        """End both directions; another thread's `read` then returns."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._response.close()


def _health(_: bytes) -> bytes:
    answer: bytes = _classes()["Health"](status=_SERVING).SerializeToString()
    return answer


def _shared_key(request: BuildRequest) -> str:
    """Return under which name the engine keeps the files, to compare them with those of the next build."""
    place = "\0".join(("seatrial", os.uname().nodename, str(request.context.folder.resolve()), str(request.dockerfile)))
    return hashlib.sha256(os.fsencode(place)).hexdigest()


@cache
def _classes() -> dict[str, Any]:
    return message_classes(_MESSAGES)
