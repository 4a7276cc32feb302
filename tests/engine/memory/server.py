"""The server that runs as a container of the memory engine: it really listens and speaks HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Program", "serve"]

Program = Callable[[str, Mapping[str, str]], tuple[int, bytes]]
"""What runs in a container: a function from a path and the image's labels to a status and a body."""


def serve(program: Program, labels: Mapping[str, str], port: int) -> ThreadingHTTPServer:
    """Start a server on 127.0.0.1 and return it; port 0 takes a free one; `OSError` if the port is taken."""
    server = _Server(("127.0.0.1", port), _handler(program, labels))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        super().server_bind()


def _handler(program: Program, labels: Mapping[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = program(self.path, labels)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
