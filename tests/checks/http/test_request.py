"""A request is answered before its deadline or fails, and redirects stay on the same origin."""

from __future__ import annotations

import gzip
import resource
import socket
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send
from tests.servers.local_server import Asked, Reply, listen, serve
from tests.waiting import wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ROOT = Request()


def at(port: int, prefix: str = "") -> BaseUrl:
    """Return the base URL of a local server."""
    return BaseUrl(port=port, prefix=prefix)


def drip(connection: socket.socket, head: bytes, piece: bytes = b"x") -> None:
    """Send one byte after another, without end."""
    connection.sendall(head)
    while True:
        connection.sendall(piece)
        time.sleep(0.02)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("head", [HEAD + b"X-Long: ", b""])
def test_headers_that_drip(head: bytes) -> None:
    """Headers that come byte by byte fail at the request's deadline."""
    with listen(lambda connection: drip(connection, head)) as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            send(at(port), ROOT, seconds=0.3)
        assert time.monotonic() - began < 1.5


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("head", "piece", "stream"),
    [
        (b"\r\n", b"x", False),
        (b"Content-Length: 1000000\r\n\r\n", b"x", False),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", False),
        (b"Content-Type: text/event-stream\r\n\r\n", b"x", True),
    ],
)
def test_a_body_that_does_not_end(head: bytes, piece: bytes, *, stream: bool) -> None:
    """What came of a body until the deadline is returned; an event stream is read for a second."""
    with listen(lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\n" + head, piece)) as port:
        began = time.monotonic()
        response = send(at(port), ROOT, seconds=5 if stream else 0.3)
        assert time.monotonic() - began < 2.5
    assert (response.status, response.ended, response.stream) == (200, False, stream)
    assert 1 < len(response.body) < 100
    assert set(response.body) == set(b"x")


@pytest.mark.timeout(30)
def test_endless_body() -> None:
    """An endless body is read up to the limit, and no more is kept in memory."""
    sent: list[int] = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            connection.sendall(b"x" * 1024 * 1024)
            sent.append(1)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listen(pour) as port:
        response = send(at(port), ROOT, seconds=10)
    assert response.cut
    assert len(response.body) == 1024 * 1024
    assert len(sent) < 64
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_a_response_that_ends_early() -> None:
    """A response shorter than its Content-Length is an error."""
    with (
        listen(lambda connection: connection.sendall(HEAD + b"Content-Length: 10\r\n\r\nhalf")) as port,
        pytest.raises(ConnectionError),
    ):
        send(at(port), ROOT, seconds=2)


def test_what_is_sent() -> None:
    """Method, path, headers and body arrive; given headers replace the default ones."""
    request = Request(
        method="PUT",
        path="/käse?a=b c&d=%20",
        headers={"user-agent": "me", "X-Name": "Zoë", "Host": "shop.example"},
        body=b"\x00\xff",
    )
    with serve(lambda _: Reply()) as server:
        send(at(server.port, "/shop"), request, seconds=2)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", "/shop/k%C3%A4se?a=b%20c&d=%20", b"\x00\xff")
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert headers["user-agent"] == "me"
    assert headers["host"] == "shop.example"
    assert headers["x-name"].encode("latin-1").decode() == "Zoë"
    assert headers["connection"] == "close"


def test_headers_that_come_twice() -> None:
    """Headers with the same name are joined in their order; the case of names does not matter."""
    raw = b"HTTP/1.1 204 No Content\r\nVary: a\r\nX-One: 1\r\nvary: b\r\n\r\n"
    with listen(lambda connection: connection.sendall(raw)) as port:
        assert send(at(port), ROOT, seconds=2).headers == {"vary": "a, b", "x-one": "1"}


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    """A compressed body is understood; one that is not what its header says is an error."""
    bodies = [b"plain", compress("Zoë".encode("latin-1"))]
    headers = {"Content-Encoding": encoding, "Content-Type": "text/plain; charset=ISO-8859-1"}
    with serve(lambda _: Reply(body=bodies.pop(), headers=headers)) as server:
        assert send(at(server.port), ROOT, seconds=2).text == "Zoë"
        with pytest.raises(ConnectionError, match=encoding):
            send(at(server.port), ROOT, seconds=2)


def test_many_headers() -> None:
    """More than a hundred headers are read."""
    headers = {f"X-{number}": "1" for number in range(500)}
    with serve(lambda _: Reply(headers=headers)) as server:
        assert len(send(at(server.port), ROOT, seconds=2).headers) > 500


def test_early_hints() -> None:
    """Informational responses before the answer are skipped."""
    hints = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    with listen(lambda connection: connection.sendall(hints + HEAD + b"Content-Length: 2\r\n\r\nok")) as port:
        response = send(at(port), ROOT, seconds=2)
    assert (response.status, response.body) == (200, b"ok")


def test_threads_end() -> None:
    """A request that has ended leaves no timer behind that could close another connection."""
    with serve(lambda _: Reply(body=b"hello")) as server:
        assert send(at(server.port), ROOT, seconds=60).body == b"hello"
        wait_until(lambda: not [one for one in threading.enumerate() if isinstance(one, threading.Timer)], 5)


def redirecting(redirects: Mapping[str, str], status: int = 302) -> Any:
    """Serve redirects by their path, and the request's own words elsewhere."""

    def answer(asked: Asked) -> Reply:
        if asked.path in redirects:
            return Reply(status=status, headers={"Location": redirects[asked.path]})
        return Reply(body=f"{asked.method} {asked.path} {asked.body.decode()}".encode())

    return serve(answer)


def test_a_redirect_is_followed_on_the_same_origin() -> None:
    """Up to three redirects on the same origin are followed, relative ones and full URLs as well."""
    redirects = {"/": "/a", "/a": "b?x=1"}
    with redirecting(redirects) as server:
        redirects["/b?x=1"] = f"http://127.0.0.1:{server.port}/c#top"
        response = send(at(server.port), ROOT, seconds=2, follow=True)
        alone = send(at(server.port), ROOT, seconds=2)
    assert (response.body, response.redirect_error) == (b"GET /c ", None)
    assert response.url == f"http://127.0.0.1:{server.port}/c#top"
    assert (alone.status, alone.location) == (302, f"http://127.0.0.1:{server.port}/a")


def test_a_redirect_to_the_name_in_the_host_header() -> None:
    """The name that a request gives in its Host header counts as the same origin."""
    with redirecting({"/": "http://Shop.example/login", "/login": "/home"}) as server:
        request = Request(headers={"host": "shop.example"})
        assert send(at(server.port), request, seconds=2, follow=True).body == b"GET /home "
        assert send(at(server.port), ROOT, seconds=2, follow=True).redirect_error
    assert [asked.headers["host"] for asked in server.asked[:3]] == ["shop.example"] * 3


@pytest.mark.parametrize(
    ("redirects", "target", "requests"),
    [
        ({"/": "http://evil.invalid/x"}, "http://evil.invalid/x", 1),
        ({"/": "//evil.invalid/"}, "http://evil.invalid/", 1),
        ({"/": "https://127.0.0.1/"}, "https://127.0.0.1/", 1),
        ({"/": "http://[::1"}, "http://[::1", 1),
        ({"/": "http://127.0.0.1:99999/"}, "http://127.0.0.1:99999/", 1),
        ({"/": "/"}, "http://127.0.0.1:", 1),
        ({"/": "/a", "/a": "/b", "/b": "/a"}, "/a", 3),
        ({"/": "/a", "/a": "/b", "/b": "/c", "/c": "/d"}, "/d", 4),
    ],
)
def test_redirect_errors(redirects: dict[str, str], target: str, requests: int) -> None:
    """A redirect to another origin, in a loop or after three others is not followed; the problem names its target."""
    with redirecting(redirects) as server:
        response = send(at(server.port), ROOT, seconds=2, follow=True)
    assert target in (response.redirect_error or "")
    assert len(server.asked) == requests


@pytest.mark.parametrize(
    ("status", "method", "echo"),
    [
        (302, "PUT", b"GET /a "),
        (303, "POST", b"GET /a "),
        (307, "POST", b"POST /a content"),
        (308, "POST", b"POST /a content"),
    ],
)
def test_the_method_after_a_redirect(status: int, method: str, echo: bytes) -> None:
    """After 307 and 308 the request is repeated; after the others it becomes a GET, as in browsers."""
    with redirecting({"/": "/a"}, status) as server:
        request = Request(method=method, body=b"content")
        assert send(at(server.port), request, seconds=2, follow=True).body == echo


@pytest.mark.timeout(10)
def test_one_deadline_for_all_redirects() -> None:
    """The deadline covers all redirects together."""

    def slowly(asked: Asked) -> Reply:
        time.sleep(0.25)
        return Reply(status=302, headers={"Location": f"{asked.path}x"})

    with serve(slowly) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            send(at(server.port), ROOT, seconds=0.4, follow=True)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("path", ["//", "//other.example/x?y=//z"])
def test_two_slashes(path: str) -> None:
    """A path that starts with two slashes is requested unchanged."""
    lines: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            with connection:
                lines.append(connection.recv(4096).splitlines()[0])
                connection.sendall(HEAD + b"Content-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        for prefix in ("", "/app"):
            send(at(listener.getsockname()[1], prefix), Request(path=path), seconds=5)
    assert lines == [f"GET {path} HTTP/1.1".encode(), f"GET /app{path} HTTP/1.1".encode()]
