"""A proxy between the SDK and the engine, on a Unix socket, that damages the stream of a push.

    with engine_proxy(Cut(messages=2)) as proxy:
        ...  # use the engine at proxy.docker_host
        assert proxy.count("POST", "/push") == 1

Everything without a fault is passed on as bytes, one request per connection.
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from itertools import chain, islice, repeat
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer

from tests.servers.fault_proxy import Fault, Logged, Watch, running

__all__ = ["Cut", "Empty", "EngineFault", "EngineProxy", "Garbage", "HangUp", "Repeat", "Stall", "engine_proxy"]

_PIECE = 65536
_OK = 200
_DEFAULT_SOCKET = "/var/run/docker.sock"
_DROPPED_HEADERS = {"connection", "transfer-encoding", "content-length"}


@dataclass(frozen=True, kw_only=True)
class EngineFault(Fault):
    """A fault in an engine's answer; by default in the answer to a push."""

    method: str = "POST"
    path: str = r"/images/.+/push\b"


@dataclass(frozen=True, kw_only=True)
class Empty(EngineFault):
    """The stream has no messages, after the engine has done its work or without asking it."""

    reaches_engine: bool = True


@dataclass(frozen=True, kw_only=True)
class Cut(EngineFault):
    """The connection is closed after so many messages; by default after all messages but before the end.

    With `finishes` the engine completes its work; otherwise its connection is closed too, and it stops.
    """

    messages: int | None = None
    finishes: bool = True


@dataclass(frozen=True, kw_only=True)
class Stall(Cut):
    """After so many messages nothing more is sent until the proxy or the client closes."""

    messages: int | None = 1


@dataclass(frozen=True, kw_only=True)
class Garbage(EngineFault):
    """After so many messages, or at the end, a line that is not JSON is sent."""

    after: int = 1
    line: bytes = b"<html>this is not a message</html>\r\n"


@dataclass(frozen=True, kw_only=True)
class HangUp(EngineFault):
    """Both connections end when the client has sent so many bytes behind the head of its request."""

    sent: int


@dataclass(frozen=True, kw_only=True)
class Repeat(EngineFault):
    """The first message for which `copies` returns a number is sent so many times more."""

    copies: Callable[[bytes], int]

    def repeated(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the messages, and the copies."""
        done = False
        for message in messages:
            yield message
            if not done and (copies := self.copies(message)):
                done = True
                yield from repeat(message, copies)


class EngineProxy(Watch[EngineFault]):
    """A running proxy; `docker_host` is as in DOCKER_HOST."""

    def __init__(self, faults: tuple[EngineFault, ...], *, path: str, upstream: str) -> None:
        super().__init__(faults)
        self.docker_host = f"unix://{path}"
        self.upstream = upstream


@contextmanager
def engine_proxy(*faults: EngineFault) -> Iterator[EngineProxy]:
    """Yield a proxy in front of the engine at DOCKER_HOST or the default socket; its connections end with it."""
    scheme, _, upstream = os.environ.get("DOCKER_HOST", "").partition("://")
    with tempfile.TemporaryDirectory(prefix="proxy-") as folder:
        path = str(Path(folder) / "docker.sock")
        server = _Server(path, _Conversation)
        server.proxy = EngineProxy(faults, path=path, upstream=upstream if scheme == "unix" else _DEFAULT_SOCKET)
        with running(server), closing(server.proxy):
            yield server.proxy


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    proxy: EngineProxy


class _Conversation(BaseRequestHandler):
    """A connection of a client, with one request."""

    server: _Server
    request: socket.socket

    def handle(self) -> None:
        """Pass on the request, and the answer with its fault; stop if a connection breaks."""
        self.client_gone = threading.Event()
        self.keep_engine_connected = False
        with (
            socket.socket(socket.AF_UNIX) as engine,
            self.server.proxy.holding(self.request, engine),
            suppress(OSError, HTTPException),
        ):
            head, rest = self._head()
            method, path, _ = head.decode("latin-1").split(" ", 2)
            logged, fault = self.server.proxy.received(method, path)
            if isinstance(fault, Empty) and not fault.reaches_engine:
                self.server.proxy.answered(logged, _OK)
                self._begin("200 OK", [("Content-Type", "application/json")])
                self._send(b"")
                return
            engine.connect(self.server.proxy.upstream)
            engine.sendall(head + rest)
            most = fault.sent if isinstance(fault, HangUp) else None
            threading.Thread(target=self._forward, args=(engine, most), daemon=True).start()
            if fault is None or most is not None:
                self._backward(engine, logged)
            else:
                self._damage(engine, logged, fault)

    def _head(self) -> tuple[bytes, bytes]:
        """Read a request's head, and return it with the bytes that followed it."""
        read = b""
        while b"\r\n\r\n" not in read:
            piece = self.request.recv(_PIECE)
            if not piece:
                raise ConnectionError
            read += piece
        head, _, rest = read.partition(b"\r\n\r\n")
        if not re.search(rb"(?im)^Upgrade:", head):
            # Every request has its own connection, so the proxy need not know where one ends.
            head = re.sub(rb"(?i)\r\nConnection:[^\r]*", b"", head) + b"\r\nConnection: close"
        return head + b"\r\n\r\n", rest

    def _forward(self, engine: socket.socket, most: int | None) -> None:
        """Pass on the rest of the request, or at `most` so many bytes, and the end of the client's connection."""
        sent = 0
        with suppress(OSError):
            while piece := self.request.recv(_PIECE):
                engine.sendall(piece)
                sent += len(piece)
                if most is not None and sent > most:
                    self.request.shutdown(socket.SHUT_RDWR)
        self.client_gone.set()
        if not self.keep_engine_connected:
            with suppress(OSError):
                engine.shutdown(socket.SHUT_WR)

    def _backward(self, engine: socket.socket, logged: Logged) -> None:
        """Pass on the engine's answer."""
        while piece := engine.recv(_PIECE):
            if found := re.match(rb"HTTP/\S+ (\d+)", piece):
                self.server.proxy.answered(logged, int(found[1]))
            self.request.sendall(piece)

    def _damage(self, engine: socket.socket, logged: Logged, fault: EngineFault | None) -> None:
        """Pass on a stream of messages with its fault; an answer that is not a stream is passed on unchanged."""
        with HTTPResponse(engine, method=logged.method) as answer:
            answer.begin()
            self.server.proxy.answered(logged, answer.status)
            self._begin(f"{answer.status} {answer.reason}", answer.getheaders())
            messages: Iterator[bytes] = iter(answer.readline, b"")
            match fault if answer.status == _OK else None:
                case Cut() as cut:
                    self._cut(messages, cut, engine)
                case other:
                    if isinstance(other, Repeat):
                        messages = other.repeated(messages)
                    if isinstance(other, Garbage):
                        messages = chain(islice(messages, other.after), [other.line], messages)
                    for message in messages:
                        if not isinstance(other, Empty):
                            self._send(message)
                    self._send(b"")

    def _cut(self, messages: Iterator[bytes], fault: Cut, engine: socket.socket) -> None:
        for message in islice(messages, fault.messages):
            self._send(message)
        self.keep_engine_connected = fault.finishes
        if not isinstance(fault, Stall):
            self.request.shutdown(socket.SHUT_RDWR)
        if fault.finishes:
            for _ in messages:
                pass
        elif isinstance(fault, Stall):
            engine.shutdown(socket.SHUT_RDWR)
        if isinstance(fault, Stall):
            self.client_gone.wait()

    def _begin(self, status: str, headers: list[tuple[str, str]]) -> None:
        headers_kept = [f"{name}: {value}" for name, value in headers if name.lower() not in _DROPPED_HEADERS]
        lines = [f"HTTP/1.1 {status}", *headers_kept, "Transfer-Encoding: chunked", "Connection: close", "", ""]
        self.request.sendall("\r\n".join(lines).encode("latin-1"))

    def _send(self, message: bytes) -> None:
        """Send a chunk; an empty one ends the answer."""
        self.request.sendall(b"%x\r\n%b\r\n" % (len(message), message))
