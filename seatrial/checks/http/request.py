"""One question over HTTP, and the answer to it, complete in time or not at all."""

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

from seatrial.checks.http.base_url import Site
from seatrial.checks.http.response import LARGEST_BODY, Answer
from seatrial.errors import cleaned

__all__ = ["Question", "ask"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER, _KEEPS_METHOD = 303, (307, 308)
_MOST_REDIRECTS = 3
_USUAL = {"Accept": "*/*", "User-Agent": "seatrial"}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is sent: `path` below the site's prefix, `body` as it goes out."""

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def ask(site: Site, question: Question, *, seconds: float, follow: bool = False) -> Answer:
    """Give the answer, complete within `seconds` however slowly it drips; `OSError` otherwise.

    With `follow`, up to three redirects on the site's own origin are followed. Proxies in the environment are not
    used; certificates must be good for the system.
    """
    deadline = time.monotonic() + seconds
    url, been = f"{site}{question.path}", list[str]()
    while True:
        if (place := site.place(url)) is None:
            raise ConnectionError(f"{cleaned(url, limit=200)} is not on {site.origin}")
        answer = _exchange(site, question, place, url, deadline, seconds)
        if not follow or answer.leads_to is None:
            return answer
        been.append(f"{question.method} {url}")
        if answer.status == _SEE_OTHER or answer.status not in _KEEPS_METHOD:
            method = question.method if question.method in ("GET", "HEAD") else "GET"
            question = replace(question, method=method, body=None)
        shown = cleaned(answer.leads_to, limit=200)
        if site.place(answer.leads_to) is None:
            return replace(answer, astray=f"it redirects to {shown}, which is not on {site.origin}")
        if f"{question.method} {answer.leads_to}" in been:
            return replace(answer, astray=f"it redirects in a circle, back to {shown}")
        if len(been) > _MOST_REDIRECTS:
            return replace(answer, astray=f"it redirects more than {_MOST_REDIRECTS} times, then to {shown}")
        url = answer.leads_to


def _exchange(  # noqa: PLR0913, PLR0917  one request's own things
    site: Site, question: Question, place: str, url: str, deadline: float, seconds: float
) -> Answer:
    """Give the answer to one request."""
    late = threading.Event()
    try:
        with _connected(site, deadline, late) as connection:
            given = {name.lower() for name in question.headers}
            headers = {name: value for name, value in _USUAL.items() if name.lower() not in given}
            sent = {**headers, **question.headers, "Connection": "close"}
            as_bytes = {name: value.encode() for name, value in sent.items()}
            connection.request(question.method, place, body=question.body, headers=as_bytes)
            response = connection.getresponse()
            body = response.read(LARGEST_BODY + 1)
            if late.is_set():
                raise TimeoutError
            if response.length and len(body) <= LARGEST_BODY:
                raise ConnectionError("the answer broke off")
            return _answer(site, response, body, url)
    except (http.client.HTTPException, OSError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise TimeoutError(f"no complete answer within {seconds:.1f} s") from error
        if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
            raise ConnectionError(f"no HTTP answer ({type(error).__name__})") from error
        raise


def _answer(site: Site, response: http.client.HTTPResponse, body: bytes, url: str) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        known = headers.get(name.lower())
        headers[name.lower()] = f"{known}, {value}" if known is not None else value
    location = headers.get("location") if response.status in _REDIRECTS else None
    return Answer(
        status=response.status,
        body=body[:LARGEST_BODY],
        headers=headers,
        cut=len(body) > LARGEST_BODY,
        url=url,
        leads_to=site.led_to(url, location) if location is not None else None,
    )


@contextmanager
def _connected(site: Site, deadline: float, late: threading.Event) -> Iterator[http.client.HTTPConnection]:
    """Give a connection that is cut at the deadline, whatever is being done on it then."""
    raw = _connect(site, deadline)
    line = raw.dup()  # TLS takes the socket away; what is shut down here ends for both

    def give_up() -> None:
        late.set()
        line.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(max(deadline - time.monotonic(), 0), _quietly, (give_up,))
    watch.daemon = True
    watch.start()
    connection = http.client.HTTPConnection(site.host, site.port)
    if site.scheme == "https":
        connection.default_port = http.client.HTTPS_PORT
    try:
        connection.sock = _trusted().wrap_socket(raw, server_hostname=site.host) if site.scheme == "https" else raw
        yield connection
    finally:
        watch.cancel()
        connection.close()
        raw.close()
        line.close()


def _connect(site: Site, deadline: float) -> socket.socket:
    """Give a TCP connection to the first of the host's addresses that takes one; they share the time there is."""
    trouble: OSError = ConnectionError(f"{site.host} has no address")
    known = socket.getaddrinfo(site.host, site.port, type=socket.SOCK_STREAM)
    for untried, (family, kind, protocol, _, address) in zip(range(len(known), 0, -1), known, strict=True):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(left / untried)  # one that swallows everything leaves time for the others
            line.connect(address)
            line.settimeout(left)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            line.close()
            trouble = error
        else:
            return line
    raise trouble


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Give what trusts the certificates that the system trusts."""
    return ssl.create_default_context()


def _quietly(action: Callable[[], None]) -> None:
    with suppress(OSError):  # it was over already
        action()
