"""A proxy between the engine and a real registry that simulates faults of networks and registries.

    with registry_proxy(registry.host, Response(method="PUT", path="/manifests/", times=1, status=500)) as proxy:
        ...  # push to proxy.host
        assert proxy.count("PUT", "/manifests/") == 2

Requests are streamed. The Host header is passed on, as the registry uses it in Location URLs.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.fault_proxy import Fault, Logged, Watch, running

__all__ = [
    "Flip",
    "Hang",
    "Rate",
    "RegistryFault",
    "RegistryProxy",
    "Reset",
    "Response",
    "Swap",
    "refusal",
    "registry_proxy",
]

_PIECE = 65536
_TLS_HANDSHAKE = b"\x16"
_OK = 200
# Headers of a single connection, which are not passed on.
_CONNECTION_HEADERS = {"connection", "keep-alive", "transfer-encoding", "expect", "te", "trailer"}


class RegistryFault(Fault):
    """A fault on the way to a registry or back."""


@dataclass(frozen=True, kw_only=True)
class Response(RegistryFault):
    """The proxy answers by itself, without the registry."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rate(RegistryFault):
    """The request's body is passed on at a limited rate."""

    bytes_per_second: int


@dataclass(frozen=True, kw_only=True)
class Reset(RegistryFault):
    """The connection is reset after so many bytes of the request's body, or at its end."""

    after: int = 0


@dataclass(frozen=True, kw_only=True)
class Flip(RegistryFault):
    """One byte of the request's body is changed."""

    at: int = 0


@dataclass(frozen=True, kw_only=True)
class Hang(RegistryFault):
    """Nothing is passed on or answered until the proxy closes."""


@dataclass(frozen=True, kw_only=True)
class Swap(RegistryFault):
    """A manifest is replaced, in the request of a PUT or in the answer to a GET or HEAD."""

    change: Callable[[bytes], bytes]


def refusal(status: int, code: str, message: str = "", **rule: Any) -> Response:
    """Return a registry's refusal as JSON; `rule` may have method, path, times, and more headers."""
    headers = {"Content-Type": "application/json", **rule.pop("headers", {})}
    body = json.dumps({"errors": [{"code": code, "message": message or code.lower()}]}).encode()
    return Response(status=status, body=body, headers=headers, **rule)


class RegistryProxy(Watch[RegistryFault]):
    """A running proxy; `host` is as in an image's name."""

    def __init__(self, faults: tuple[RegistryFault, ...], *, port: int, upstream: str) -> None:
        super().__init__(faults)
        self.host = f"localhost:{port}"
        self.upstream = upstream


@contextmanager
def registry_proxy(upstream_host: str, *faults: RegistryFault) -> Iterator[RegistryProxy]:
    """Yield a proxy in front of a registry; its connections end with it."""
    server = _Server(("127.0.0.1", 0), _Conversation)
    server.proxy = RegistryProxy(faults, port=server.server_port, upstream=upstream_host)
    with running(server), closing(server.proxy):
        yield server.proxy


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # an engine sends five layers at once
    proxy: RegistryProxy


class _ResetError(ConnectionError):
    """The connection must be reset."""


class _Conversation(BaseHTTPRequestHandler):
    """A connection of a client; each request gets its own connection to the registry."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        """Answer until a side closes; a TLS handshake is answered in plain HTTP, as by a registry without TLS."""
        with self.server.proxy.holding(self.connection), suppress(OSError, ValueError, HTTPException):
            if self.connection.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
                super().handle()
                return
            self.connection.recv(65536)  # unread bytes would cut the answer short
            self.connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _converse(self) -> None:
        logged, fault = self.server.proxy.received(self.command, self.path)
        match fault:
            case Hang():
                self.server.proxy.closed.wait()
                raise ConnectionError
            case Response():
                for _ in self._received():
                    pass
                self._answer(logged, fault.status, {**fault.headers}, fault.body)
                return
        with closing(HTTPConnection(self.server.proxy.upstream)) as registry:
            try:
                self._ask(registry, logged, fault)
            except _ResetError:
                registry.close()
                self._reset()
                raise

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = _converse  # noqa: N815  the base class's names

    def _ask(self, registry: HTTPConnection, logged: Logged, fault: RegistryFault | None) -> None:
        """Pass on the request with its fault, and then the answer."""
        swap = isinstance(fault, Swap)
        chunked = "Transfer-Encoding" in self.headers or (swap and self.command == "PUT")
        # The head of the answer to a swapped HEAD depends on the body.
        method = "GET" if swap and self.command == "HEAD" else self.command
        registry.connect()
        with self.server.proxy.holding(registry.sock):
            registry.putrequest(method, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _CONNECTION_HEADERS and not (chunked and name.lower() == "content-length"):
                    registry.putheader(name, value)
            registry.putheader("Connection", "close")
            if chunked:
                registry.putheader("Transfer-Encoding", "chunked")
            registry.endheaders()
            for piece in self._with_fault(fault):
                with suppress(BrokenPipeError, ConnectionResetError):  # it has already answered
                    registry.send(_chunk(piece) if chunked else piece)
            if chunked:
                with suppress(BrokenPipeError, ConnectionResetError):
                    registry.send(_chunk(b""))
            with registry.getresponse() as answer:
                headers, body = dict(answer.getheaders()), answer.read()
            if isinstance(fault, Swap) and self.command != "PUT" and answer.status == _OK:
                body = fault.change(body)
                digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
                headers |= {"Docker-Content-Digest": digest, "Etag": f'"{digest}"', "Content-Length": str(len(body))}
            self._answer(logged, answer.status, headers, body)

    def _received(self, most: int = _PIECE) -> Iterator[bytes]:
        """Yield the request's body in pieces of at most `most` bytes, as they arrive."""
        if "Transfer-Encoding" not in self.headers:
            yield from self._exactly(int(self.headers.get("Content-Length", "0")), most)
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield from self._exactly(size, most)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def _exactly(self, size: int, most: int) -> Iterator[bytes]:
        while size:
            piece = self.rfile.read1(min(size, most))
            if not piece:
                raise ConnectionError
            size -= len(piece)
            yield piece

    def _with_fault(self, fault: RegistryFault | None) -> Iterator[bytes]:
        """Yield the request's body with the fault, to be passed on."""
        match fault:
            case Rate():
                for piece in self._received(max(1, fault.bytes_per_second // 20)):
                    yield piece
                    self.server.proxy.closed.wait(len(piece) / fault.bytes_per_second)
            case Reset():
                left = fault.after
                for piece in self._received():
                    if left:
                        yield piece[:left]
                    left = max(0, left - len(piece))
                    if not left:
                        break
                raise _ResetError
            case Flip():
                begin = 0
                for piece in self._received():
                    at = fault.at - begin
                    begin += len(piece)
                    inside = 0 <= at < len(piece)
                    yield piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :] if inside else piece
            case Swap() if self.command == "PUT":
                yield fault.change(b"".join(self._received()))
            case _:
                yield from self._received()

    def _answer(self, logged: Logged, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send an answer with a complete body."""
        self.server.proxy.answered(logged, status)
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if name.lower() not in _CONNECTION_HEADERS:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        """Close at once, so that the other side gets an RST and not a FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)
