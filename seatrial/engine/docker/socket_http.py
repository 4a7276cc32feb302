"""HTTP to an engine's Unix socket by Python's own client: it is there long before the SDK could be loaded."""

from __future__ import annotations

import json as encoding
import socket
from collections.abc import Iterator, Mapping
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from seatrial.engine.failures import LostError

__all__ = ["Answer", "SocketHttp"]

_PIECE = 64 * 1024
_BAD_REQUEST = 400


class SocketHttp:
    """Sends requests to the engine at a Unix socket, with the arguments of the SDK's client."""

    base_url = ""

    def __init__(self, path: str, api_version: str) -> None:
        self.api_version = api_version
        self._path = path

    def post(self, url: str, **options: Any) -> Answer:
        """Send a request, perhaps with a body as `data` or `json`; raise `OSError` if there is no answer."""
        return self.send("POST", url, **options)

    def get(self, url: str, **options: Any) -> Answer:
        """Ask for something; raise `OSError` if there is no answer."""
        return self.send("GET", url, **options)

    def head(self, url: str, **options: Any) -> Answer:
        """Ask for the head of an answer; raise `OSError` if there is none."""
        with self.send("HEAD", url, **options) as answer:
            return answer

    def send(  # noqa: PLR0913  the arguments of the SDK's client
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] = {},
        data: Iterator[bytes] | bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] = {},
        stream: bool = False,  # noqa: ARG002  an answer is read as it is asked for
        timeout: float | None,
    ) -> Answer:
        """Send a request; each read of its answer waits for `timeout` seconds."""
        connection = _Connection(self._path, timeout)
        headers = {"Host": "docker", **headers}
        if json is not None:
            data, headers = encoding.dumps(json).encode(), {**headers, "Content-Type": "application/json"}
        try:
            connection.request(method, f"{url}?{urlencode(params)}" if params else url, data, headers)
            return Answer(connection, connection.getresponse())
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


class Answer:
    """An answer, and its connection, which ends with it; `raw` is its body."""

    def __init__(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        self.status_code, self.raw = response.status, response
        self._connection = connection

    @property
    def ok(self) -> bool:
        """Whether the engine did what was asked."""
        return self.status_code < _BAD_REQUEST

    @property
    def headers(self) -> Message:
        """The head of the answer."""
        return self.raw.headers

    @property
    def text(self) -> str:
        """The whole body as text."""
        return b"".join(self.iter_content()).decode("utf-8", "replace")

    def iter_content(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body as it comes; raise `LostError` if it ends early."""
        try:
            while piece := self.raw.read1(chunk_size or _PIECE):
                yield piece
        except (HTTPException, ConnectionError) as error:
            raise LostError(repr(error)) from error

    def frames(self) -> Iterator[bytes]:
        """Yield what a process wrote: before each piece stand eight bytes, which end with its length."""
        try:
            while head := self.raw.read(8):
                yield self.raw.read(int.from_bytes(head[4:]))
        except (HTTPException, ConnectionError) as error:
            raise LostError(repr(error)) from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self.raw.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
