"""HTTP to an engine's Unix socket by Python's own client, for builds: they begin before the SDK is loaded."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

__all__ = ["SocketHttp"]

_PIECE = 64 * 1024


class SocketHttp:
    """Sends requests to the engine at a Unix socket, as far as a build needs them of the SDK's client.

    `on_sent` is called when a request was sent, and its answer is yet to come.
    """

    base_url = ""

    def __init__(self, path: str, api_version: str, on_sent: Callable[[], object]) -> None:
        self.api_version = api_version
        self._path = path
        self._on_sent = on_sent

    def post(  # noqa: PLR0913  the arguments of the SDK's client
        self,
        url: str,
        *,
        params: Mapping[str, str],
        data: Iterator[bytes] | None = None,
        headers: Mapping[str, str] = {},
        stream: bool = False,  # noqa: ARG002  an answer is read as it is asked for
        timeout: float | None,
    ) -> _Answer:
        """Send a request with a body; raise `OSError` if there is no answer."""
        connection = _Connection(self._path, timeout)
        try:
            connection.request("POST", f"{url}?{urlencode(params)}", data, {"Host": "docker", **headers})
            self._on_sent()
            return _Answer(connection, connection.getresponse())
        except HTTPException as error:
            connection.close()
            raise ConnectionError(repr(error)) from error
        except BaseException:
            connection.close()
            raise


class _Connection(HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Answer:
    """An answer, and its connection, which ends with it."""

    def __init__(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        self.status_code = response.status
        self._connection, self._response = connection, response

    @property
    def text(self) -> str:
        """The whole body as text."""
        return b"".join(self.iter_content()).decode("utf-8", "replace")

    def iter_content(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body as it comes; raise `ConnectionError` if it ends early."""
        try:
            while piece := self._response.read1(chunk_size or _PIECE):
                yield piece
        except HTTPException as error:
            raise ConnectionError(repr(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.close()
        self._connection.close()
