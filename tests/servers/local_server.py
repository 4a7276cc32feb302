"""Small servers on 127.0.0.1 that misbehave as real ones rarely do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers.fault_proxy import running

__all__ = ["Asked", "Reply", "Served", "accepting", "listen", "serve"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that the server received."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that the server sends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server: its port, and all requests so far."""

    port: int
    asked: list[Asked]

    @property
    def host(self) -> str:
        """Host and port as in an image's name."""
        return f"127.0.0.1:{self.port}"


@contextmanager
def serve(answer: Callable[[Asked], Reply]) -> Iterator[Served]:
    """Serve HTTP with a function from request to reply during the block."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            request = Asked(method=self.command, path=self.path, headers=dict(self.headers.items()), body=body)
            asked.append(request)
            reply = answer(request)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815  the base class's names

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with running(server := ThreadingHTTPServer(("127.0.0.1", 0), Handler)):
        yield Served(port=server.server_port, asked=asked)


@contextmanager
def listen(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a TCP server that calls `talk` with each connection after its first bytes."""

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            talk(connection)

    with accepting("127.0.0.1", converse) as port:
        yield port


@contextmanager
def accepting(address: str, converse: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield a port whose connections are each handled in a thread of their own."""
    with socket.create_server((address, 0)) as listener:

        def loop() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        yield int(listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
