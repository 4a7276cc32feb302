"""Send one HTTP request; its answer has come by the deadline, or it is an error."""

from __future__ import annotations

import functools
import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress

from msgspec import Struct
from msgspec.structs import replace
from urllib3.connection import HTTPConnection
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError
from urllib3.response import HTTPResponse

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import LARGEST_BODY, Response
from seatrial.errors import sanitize
from seatrial.host.signals import start_thread

__all__ = ["MOST_REDIRECTS", "Request", "send", "speaks_tls", "tls_context"]

MOST_REDIRECTS = 3
"""How many redirects are followed."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER, _KEEPS_METHOD = 303, (307, 308)
_INFORMATIONAL = (102, 103)
_STREAM_SECONDS = 1.0
_LOOK_SECONDS = 1.0
_PIECE = 16 * 1024
http.client._MAXHEADERS = 1000  # type: ignore[attr-defined]  # noqa: SLF001  its 100 are fewer than real apps send


class _FinalResponse(http.client.HTTPResponse):
    """A response whose informational ones before it (103 Early Hints) are skipped; Python's own skips only 100."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while status in _INFORMATIONAL:
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason


class Request(Struct, frozen=True, kw_only=True):
    """A request to send: `path` is relative to the base URL's prefix."""

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = {}
    body: bytes | None = None


def send(
    base_url: BaseUrl,
    request: Request,
    *,
    seconds: float,
    follow: bool = False,
    useless: Callable[[], bool] = lambda: False,
) -> Response:
    """Return the response, or raise `OSError` if its headers have not come within `seconds`.

    The body is read for as long, or for one second if it is an event stream. With `follow`, up to three redirects on
    the same origin are followed; the name in a Host header counts as the origin, too. Proxies in the environment are
    ignored. `useless` is called once a second until the response begins; if it returns true, the wait ends.
    """
    deadline = time.monotonic() + seconds
    url, visited = f"{base_url}{request.path}", list[str]()
    named = base_url.named(request.headers)
    while True:
        if (target := base_url.request_target(url) or named.request_target(url)) is None:
            raise ConnectionError(f"{sanitize(url, limit=200)} is not on {base_url.origin}")
        response = _exchange(base_url, request, target, url, deadline, seconds, useless)
        if not follow or response.location is None:
            return response
        visited.append(f"{request.method} {url}")
        if response.status == _SEE_OTHER or response.status not in _KEEPS_METHOD:
            method = request.method if request.method in ("GET", "HEAD") else "GET"
            request = replace(request, method=method, body=None)
        shown = sanitize(response.location, limit=200)
        if base_url.request_target(response.location) is None and named.request_target(response.location) is None:
            return replace(response, redirect_error=f"it redirects to {shown}, which is not on {base_url.origin}")
        if f"{request.method} {response.location}" in visited:
            return replace(response, redirect_error=f"it redirects in a loop, back to {shown}")
        if len(visited) > MOST_REDIRECTS:
            return replace(response, redirect_error=f"it redirects more than {MOST_REDIRECTS} times, then to {shown}")
        url = response.location


def speaks_tls(base_url: BaseUrl, *, seconds: float) -> bool:
    """Return whether a server answers in TLS, whatever its certificate."""
    try:
        with _connect(base_url, time.monotonic() + seconds) as sock, tls_context(trusted=False).wrap_socket(sock):
            return True
    except OSError:
        return False


def _exchange(  # noqa: PLR0913, PLR0917  each argument is one thing
    base_url: BaseUrl,
    request: Request,
    target: str,
    url: str,
    deadline: float,
    seconds: float,
    useless: Callable[[], bool],
) -> Response:
    """Return the response to one request, without following redirects."""
    late = threading.Event()
    given = {name.lower() for name in request.headers}
    defaults = {"Host": base_url.authority, "Accept": "*/*", "User-Agent": "seatrial"}
    headers = {name: value for name, value in defaults.items() if name.lower() not in given}
    headers |= {**request.headers, "Connection": "close"}
    try:
        with ExitStack() as stack:
            sock = stack.enter_context(_connect(base_url, deadline))
            connection = stack.enter_context(closing(HTTPConnection(base_url.host, timeout=sock.gettimeout())))
            copy = stack.enter_context(sock.dup())  # TLS takes over the socket; shutting down the copy shuts down both
            with _shut_down_at(deadline, copy, late):
                if base_url.scheme == "https":
                    sock = tls_context(trusted=base_url.deployed).wrap_socket(sock, server_hostname=base_url.host)
                connection.sock, connection.response_class = sock, _FinalResponse
                as_bytes = {name: value.encode() for name, value in headers.items()}
                connection.request(request.method, target, request.body, as_bytes, preload_content=False)  # type: ignore[arg-type]
                while not late.is_set() and not _begins(copy):
                    if useless():
                        seconds -= max(deadline - time.monotonic(), 0)
                        raise TimeoutError
                response = stack.enter_context(closing(connection.getresponse()))
            if late.is_set():  # headers that are cut off can be read
                raise TimeoutError
            return _response(base_url, response, url, copy, deadline)
    except (HTTPError, http.client.HTTPException, OSError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise TimeoutError(f"no complete answer within {seconds:.1f} s") from error
        if isinstance(error, OSError):
            raise
        raise ConnectionError(f"no HTTP answer ({type(error).__name__})") from error


def _response(base_url: BaseUrl, response: HTTPResponse, url: str, sock: socket.socket, deadline: float) -> Response:
    """Return a response with its body, as far as that comes in time."""
    headers = {name.lower(): value for name, value in response.headers.itermerged()}
    stream = headers.get("content-type", "").lower().startswith(("text/event-stream", "multipart/x-mixed-replace"))
    late, body = threading.Event(), bytearray()
    try:
        with _shut_down_at(min(deadline, time.monotonic() + _STREAM_SECONDS) if stream else deadline, sock, late):
            while len(body) <= LARGEST_BODY and (piece := response.read1(_PIECE)):
                body += piece
    except DecodeError as error:
        raise ConnectionError(f"the body is not {headers.get('content-encoding')}, as its header says") from error
    except (HTTPError, OSError) as error:
        if not late.is_set() and not isinstance(error, ReadTimeoutError | TimeoutError):
            raise ConnectionError("the answer ended early") from error
        late.set()
    location = headers.get("location") if response.status in _REDIRECTS else None
    return Response(
        status=response.status,
        body=bytes(body[:LARGEST_BODY]),
        headers=headers,
        cut=len(body) > LARGEST_BODY,
        ended=not late.is_set(),
        stream=stream,
        url=url,
        location=base_url.resolve(url, location) if location is not None else None,
    )


def _begins(sock: socket.socket) -> bool:
    """Return whether there is something to read, after at most one second."""
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(_LOOK_SECONDS * 1000))


@contextmanager
def _shut_down_at(deadline: float, sock: socket.socket, late: threading.Event) -> Iterator[None]:
    """Shut a socket down at the deadline, even in the middle of a read, and set `late`."""

    def give_up() -> None:
        late.set()
        with suppress(OSError):  # the connection is already closed
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(deadline - time.monotonic(), 0), give_up)
    timer.daemon = True
    start_thread(timer)
    try:
        yield
    finally:
        timer.cancel()


def _connect(base_url: BaseUrl, deadline: float) -> socket.socket:
    """Return a TCP connection to the first address of the host that accepts one; the addresses share the time."""
    failure: OSError = ConnectionError(f"{base_url.host} has no address")
    found = socket.getaddrinfo(base_url.host, base_url.port, type=socket.SOCK_STREAM)
    for untried, (*_, address) in zip(range(len(found), 0, -1), found, strict=True):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:  # an address that does not react leaves time for the others
            sock = socket.create_connection((str(address[0]), int(address[1])), left / untried)
        except OSError as error:
            failure = error
        else:
            sock.settimeout(left)
            return sock
    raise failure


@functools.cache
def tls_context(*, trusted: bool) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's certificates, or any: a container here has one of its own."""
    context = ssl.create_default_context()
    if not trusted:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
