"""The connection of a request: an address that answers, a trusted certificate, a deadline."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send, tls_context
from tests.servers.certificates import issue
from tests.servers.local_server import Asked, Reply, listen, serve

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ROOT = Request()


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("first", "takes"), [("hole", 0), ("server", 2)])
def test_an_address_that_does_not_react(first: str, takes: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two addresses share the time to connect, so the second is tried, too; the response has all the time left."""

    def answer(_: Asked) -> Reply:
        time.sleep(takes)
        return Reply(body=b"hello")

    with ExitStack() as waiting, socket.socket() as hole, serve(answer) as server:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):  # with a full queue, further connections get no reaction
            line = waiting.enter_context(socket.socket())
            line.settimeout(0)
            line.connect_ex(hole.getsockname())
        places = {"hole": hole.getsockname(), "server": ("127.0.0.1", server.port)}
        order = sorted(places, key=lambda name: name != first)
        known = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", places[name]) for name in order]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: known)

        assert send(BaseUrl(host="two.test", port=server.port), ROOT, seconds=3).body == b"hello"


@contextmanager
def tls(certificate: Path, key: Path) -> Iterator[int]:
    """Serve one page over TLS, and yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def talk(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: 5\r\n\r\nhello")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def loop() -> None:
            with suppress(OSError):
                while True:
                    raw, _ = listener.accept()
                    with suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
                        connection.recv(65536)
                        talk(connection)

        threading.Thread(target=loop, daemon=True).start()
        yield int(listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may have any certificate; of a deployed app, the system must trust it, and it must name the host."""
    made = issue(tmp_path, "localhost")
    with tls(made.certificate, made.key) as port:
        named = BaseUrl(scheme="https", host="localhost", port=port, deployed=True)
        assert send(replace(named, deployed=False), ROOT, seconds=5).body == b"hello"
        with pytest.raises(ssl.SSLCertVerificationError):
            send(named, ROOT, seconds=5)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
        tls_context.cache_clear()
        try:
            assert send(named, ROOT, seconds=5).body == b"hello"
            with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
                send(replace(named, host="127.0.0.1"), ROOT, seconds=5)
        finally:
            tls_context.cache_clear()


@pytest.mark.timeout(10)
def test_tls_that_never_begins() -> None:
    """A server that accepts the connection but does not start TLS fails at the deadline."""
    with listen(lambda _: time.sleep(5)) as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            send(BaseUrl(scheme="https", port=port), ROOT, seconds=0.3)
        assert time.monotonic() - began < 1.5
