"""Connections to a registry, and to where it sends its clients; each answer is limited in size and time."""

from __future__ import annotations

import re
import select
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from msgspec import Struct

from seatrial.registry.errors import unreadable

if TYPE_CHECKING:  # loaded for a registry that speaks TLS
    import ssl

__all__ = ["Connections", "Response", "UnusableError", "is_on_this_machine"]

_CONNECT_SECONDS, _READ_SECONDS = 5.0, 30.0
_LARGEST = 16 * 1024 * 1024
_PIECE = 64 * 1024
_SAFE = "/%?&=:@!$'()*+,;~[]"
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_CERTIFICATES = Path("/etc/docker/certs.d")


class UnusableError(OSError):
    """An answer that no registry gives: it has too many bytes, redirects too often or nowhere."""


class Response(Struct, frozen=True, kw_only=True):
    """The answer to a request with this method; `url` is where it came from, after all redirects."""

    method: str
    url: str
    status: int
    reason: str
    headers: HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        """The content as text, for people to read."""
        return self.content.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        """Return the value of a header, empty if there is none; several of one name are joined."""
        return ", ".join(self.headers.get_all(name, ()))


def is_on_this_machine(host: str) -> bool:
    """Return whether a registry is on loopback, where plain HTTP is used if it speaks that."""
    return _LOOPBACK.fullmatch(host) is not None


class Connections:
    """The connections that requests to one registry need; an idle one is used again.

    The trusted certificates are the system's and those in `/etc/docker/certs.d/HOST`, as for the engine. Proxies are
    not used. They are Python's own: loading urllib3 takes longer than all requests of a run without changes.
    """

    def __init__(self, host: str, *, local: bool) -> None:
        self._host = host
        self._local = local
        self._idle: dict[tuple[str, str], list[HTTPConnection]] = {}
        self._trust: ssl.SSLContext | None = None

    def forget(self) -> None:
        """Use no idle connection again, and read the certificates again, which may be outdated."""
        self._idle, self._trust = {}, None

    def exchange(self, url: str, method: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Return the answer to one request, on a connection that is there already if one is."""
        parts = urlsplit(url)
        idle = self._idle.setdefault((parts.scheme, parts.netloc), [])
        try:
            connection = idle.pop()  # without a look before: other threads take some, too
        except IndexError:
            connection = self._connection(parts.scheme, parts.hostname, parts.port)
        target = quote(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", safe=_SAFE)
        try:
            if _is_closed(connection):
                connection.close()
                connection.connect()
            connection.sock.settimeout(_READ_SECONDS)
            connection.request(method, target, body, {"User-Agent": "seatrial", **headers})
            answer = connection.getresponse()
            content = _read(answer)
        except BaseException:
            connection.close()
            raise
        idle.append(connection)
        return Response(
            method=method, url=url, status=answer.status, reason=answer.reason, headers=answer.headers, content=content
        )

    def _connection(self, scheme: str, host: str | None, port: int | None) -> HTTPConnection:
        """Return a connection that is not open yet.

        As Docker does: a registry on this machine, and its token service there, need no trusted certificate.
        """
        if host is None or scheme not in ("http", "https"):
            raise UnusableError(0, "its URL is not valid")
        if scheme == "http":
            return HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
        if self._local and is_on_this_machine(f"[{host}]" if ":" in host else host):
            context = _context_without_trust()
        else:
            context = self._trust = self._trust or _tls_context(self._host)
        return HTTPSConnection(host, port, timeout=_CONNECT_SECONDS, context=context)


def _tls_context(host: str) -> ssl.SSLContext:
    """Return a context with the system's certificates and those that Docker uses for this host."""
    import ssl

    context = ssl.create_default_context()
    system = ssl.get_default_verify_paths()
    if not (system.cafile or system.capath):  # as with a Python from python.org on a Mac
        from requests.utils import DEFAULT_CA_BUNDLE_PATH

        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    for file in sorted((*(_CERTIFICATES / host).glob("*.crt"), *(_CERTIFICATES / host).glob("*.cert"))):
        try:
            if file.suffix == ".crt":
                context.load_verify_locations(file)
            else:
                context.load_cert_chain(file, file.with_suffix(".key"))
        except OSError as error:
            raise unreadable(f"cannot connect to the registry {host}", file, str(error.strerror or error)) from error
    return context


def _context_without_trust() -> ssl.SSLContext:
    """Return a context that accepts any certificate."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _is_closed(connection: HTTPConnection) -> bool:
    """Return whether a connection is not open, or was closed by the other side since its last answer."""
    if connection.sock is None:
        return True
    poller = select.poll()
    poller.register(connection.sock, select.POLLIN)
    return bool(poller.poll(0))


def _read(answer: HTTPResponse) -> bytes:
    """Return the content of an answer, up to the limit."""
    content = bytearray()
    try:
        while piece := answer.read(_PIECE):
            content += piece
            if len(content) > _LARGEST:
                raise UnusableError(0, f"its answer has more than {_LARGEST:,} bytes")
    except IncompleteRead as error:
        raise ConnectionError("its answer ended early") from error
    if answer.length:
        raise ConnectionError("its answer ended early")
    return bytes(content)
