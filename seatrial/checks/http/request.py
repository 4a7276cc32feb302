"""Send one HTTP request; the response is complete before the deadline, or it is an error."""

from __future__ import annotations

import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import LARGEST_BODY, Response
from seatrial.errors import sanitize

__all__ = ["Request", "send"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER, _KEEPS_METHOD = 303, (307, 308)
_MOST_REDIRECTS = 3
_DEFAULT_HEADERS = {"Accept": "*/*", "User-Agent": "seatrial"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to send: `path` is relative to the base URL's prefix."""

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def send(base_url: BaseUrl, request: Request, *, seconds: float, follow: bool = False) -> Response:
    """Return the response, or raise `OSError` if it is not complete within `seconds`.

    With `follow`, up to three redirects on the same origin are followed. Proxies in the environment are ignored;
    the system must trust the certificate.
    """
    deadline = time.monotonic() + seconds
    url, visited = f"{base_url}{request.path}", list[str]()
    while True:
        if (target := base_url.request_target(url)) is None:
            raise ConnectionError(f"{sanitize(url, limit=200)} is not on {base_url.origin}")
        response = _exchange(base_url, request, target, url, deadline, seconds)
        if not follow or response.location is None:
            return response
        visited.append(f"{request.method} {url}")
        if response.status == _SEE_OTHER or response.status not in _KEEPS_METHOD:
            method = request.method if request.method in ("GET", "HEAD") else "GET"
            request = replace(request, method=method, body=None)
        shown = sanitize(response.location, limit=200)
        if base_url.request_target(response.location) is None:
            return replace(response, redirect_error=f"it redirects to {shown}, which is not on {base_url.origin}")
        if f"{request.method} {response.location}" in visited:
            return replace(response, redirect_error=f"it redirects in a loop, back to {shown}")
        if len(visited) > _MOST_REDIRECTS:
            return replace(response, redirect_error=f"it redirects more than {_MOST_REDIRECTS} times, then to {shown}")
        url = response.location


def _exchange(  # noqa: PLR0913, PLR0917  each argument is one thing
    base_url: BaseUrl, request: Request, target: str, url: str, deadline: float, seconds: float
) -> Response:
    """Return the response to one request, without following redirects."""
    late = threading.Event()
    try:
        with _connected(base_url, deadline, late) as connection:
            given = {name.lower() for name in request.headers}
            defaults = {name: value for name, value in _DEFAULT_HEADERS.items() if name.lower() not in given}
            headers = {**defaults, **request.headers, "Connection": "close"}
            as_bytes = {name: value.encode() for name, value in headers.items()}
            connection.request(request.method, target, body=request.body, headers=as_bytes)
            response = connection.getresponse()
            body = response.read(LARGEST_BODY + 1)
            if late.is_set():
                raise TimeoutError
            if response.length and len(body) <= LARGEST_BODY:
                raise ConnectionError("the answer ended early")
            return _response(base_url, response, body, url)
    except (http.client.HTTPException, OSError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise TimeoutError(f"no complete answer within {seconds:.1f} s") from error
        if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
            raise ConnectionError(f"no HTTP answer ({type(error).__name__})") from error
        raise


def _response(base_url: BaseUrl, response: http.client.HTTPResponse, body: bytes, url: str) -> Response:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        known = headers.get(name.lower())
        headers[name.lower()] = f"{known}, {value}" if known is not None else value
    location = headers.get("location") if response.status in _REDIRECTS else None
    return Response(
        status=response.status,
        body=body[:LARGEST_BODY],
        headers=headers,
        cut=len(body) > LARGEST_BODY,
        url=url,
        location=base_url.resolve(url, location) if location is not None else None,
    )


@contextmanager
def _connected(base_url: BaseUrl, deadline: float, late: threading.Event) -> Iterator[http.client.HTTPConnection]:
    """Yield a connection that is closed at the deadline, even in the middle of a read; `late` is then set."""
    connected_socket = _connect(base_url, deadline)
    sock = connected_socket.dup()  # TLS takes over the socket; shutting down the copy shuts down both

    def give_up() -> None:
        late.set()
        sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(deadline - time.monotonic(), 0), _quietly, (give_up,))
    timer.daemon = True
    timer.start()
    connection = http.client.HTTPConnection(base_url.host, base_url.port)
    if base_url.scheme == "https":
        connection.default_port = http.client.HTTPS_PORT
    try:
        connection.sock = (
            _trusted().wrap_socket(connected_socket, server_hostname=base_url.host)
            if base_url.scheme == "https"
            else connected_socket
        )
        yield connection
    finally:
        timer.cancel()
        connection.close()
        connected_socket.close()
        sock.close()


def _connect(base_url: BaseUrl, deadline: float) -> socket.socket:
    """Return a TCP connection to the first address of the host that accepts one; the addresses share the time."""
    failure: OSError = ConnectionError(f"{base_url.host} has no address")
    found = socket.getaddrinfo(base_url.host, base_url.port, type=socket.SOCK_STREAM)
    for untried, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(left / untried)  # an address that does not react leaves time for the others
            sock.connect(address)
            sock.settimeout(left)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Return a TLS context that trusts the system's certificates."""
    return ssl.create_default_context()


def _quietly(action: Callable[[], None]) -> None:
    with suppress(OSError):  # the connection is already closed
        action()
