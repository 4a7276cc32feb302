"""A question over HTTP is answered in time or not at all, and nobody is sent astray."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send
from tests.servers.local_server import Asked, Reply, listen, serve

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ROOT = Request()


def at(port: int, prefix: str = "") -> BaseUrl:
    """Return the site of a server of ours."""
    return BaseUrl(port=port, prefix=prefix)


def drip(connection: socket.socket, head: bytes) -> None:
    """Send one byte after the other, for ever."""
    connection.sendall(head)
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("head", [HEAD + b"\r\n", HEAD + b"X-Long: ", b"HTTP/1.1 200 ", b""])
def test_drip(head: bytes) -> None:
    """An answer that comes byte by byte, in its body or its headers, ends with the request's own deadline."""
    with listen(lambda connection: drip(connection, head)) as port:
        began = time.monotonic()
        with pytest.raises((TimeoutError, ConnectionError)):
            send(at(port), ROOT, seconds=0.3)
        assert time.monotonic() - began < 1.5


@pytest.mark.timeout(10)
def test_chunked_for_ever() -> None:
    """Chunks without end do not last longer than the deadline either."""

    def chunks(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1\r\nx\r\n")
            time.sleep(0.02)

    with listen(chunks) as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="no complete answer"):
            send(at(port), ROOT, seconds=0.3)
        assert time.monotonic() - began < 1.5


@pytest.mark.timeout(30)
def test_endless_body() -> None:
    """A body without end is read up to its limit and not kept beyond it."""
    sent: list[int] = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            connection.sendall(b"x" * 1024 * 1024)
            sent.append(1)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listen(pour) as port:
        answer = send(at(port), ROOT, seconds=10)
    assert answer.cut
    assert len(answer.body) == 1024 * 1024
    assert len(sent) < 64
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_an_answer_that_breaks_off() -> None:
    """An answer shorter than it said is none."""
    with (
        listen(lambda connection: connection.sendall(HEAD + b"Content-Length: 10\r\n\r\nhalf")) as port,
        pytest.raises(ConnectionError, match="broke off"),
    ):
        send(at(port), ROOT, seconds=2)


def test_what_is_sent() -> None:
    """Method, path, headers and body arrive; what is given takes the place of the usual headers."""
    question = Request(
        method="PUT",
        path="/käse?a=b c&d=%20",
        headers={"user-agent": "me", "X-Name": "Zoë", "Host": "shop.example"},
        body=b"\x00\xff",
    )
    with serve(lambda _: Reply()) as server:
        send(at(server.port, "/shop"), question, seconds=2)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", "/shop/k%C3%A4se?a=b%20c&d=%20", b"\x00\xff")
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert headers["user-agent"] == "me"
    assert headers["host"] == "shop.example"
    assert headers["x-name"].encode("latin-1").decode() == "Zoë"
    assert headers["connection"] == "close"


def test_headers_that_come_twice() -> None:
    """Headers of one name are one, in the order they came; their names do not mind capitals."""
    words = b"HTTP/1.1 204 No Content\r\nVary: a\r\nX-One: 1\r\nvary: b\r\n\r\n"
    with listen(lambda connection: connection.sendall(words)) as port:
        assert send(at(port), ROOT, seconds=2).headers == {"vary": "a, b", "x-one": "1"}


def test_head_has_no_body() -> None:
    """HEAD is answered without a body, though a length is told."""
    with serve(lambda _: Reply(headers={"Content-Length": "12"})) as server:
        answer = send(at(server.port), Request(method="HEAD"), seconds=2)
    assert (answer.status, answer.body) == (200, b"")


def test_proxies_ignored(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment does not come between us and the app."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port}")
    with serve(lambda _: Reply(body=b"hello")) as server:
        assert send(at(server.port), ROOT, seconds=2).body == b"hello"


def test_threads_end() -> None:
    """A request that is answered leaves no watch behind that could close somebody else's connection."""
    with serve(lambda _: Reply(body=b"hello")) as server:
        for _ in range(5):
            with suppress(OSError):
                send(at(server.port), ROOT, seconds=0.2)
        time.sleep(0.3)
        value: Any = send(at(server.port), ROOT, seconds=2).body
    assert value == b"hello"


def led(ways: Mapping[str, str], status: int = 302) -> Any:
    """Serve redirects from path to Location, and hello elsewhere."""

    def answer(asked: Asked) -> Reply:
        if asked.path in ways:
            return Reply(status=status, headers={"Location": ways[asked.path]})
        return Reply(body=f"{asked.method} {asked.path} {asked.body.decode()}".encode())

    return serve(answer)


def test_a_redirect_is_followed_on_the_same_origin() -> None:
    """A redirect is followed when it stays with the app, up to three times, relative ones as well."""
    with led({"/": "/a", "/a": "b?x=1", "/b?x=1": "/c"}) as server:
        answer = send(at(server.port), ROOT, seconds=2, follow=True)
        alone = send(at(server.port), ROOT, seconds=2)
    assert (answer.body, answer.redirect_error) == (b"GET /c ", None)
    assert answer.url == f"http://127.0.0.1:{server.port}/c"
    assert (alone.status, alone.location) == (302, f"http://127.0.0.1:{server.port}/a")


def test_a_redirect_with_the_whole_address() -> None:
    """An absolute Location is the same origin when scheme, host and port are."""
    ways: dict[str, str] = {}
    with led(ways) as server:
        ways["/"] = f"http://127.0.0.1:{server.port}/home#top"
        assert send(at(server.port), ROOT, seconds=2, follow=True).body == b"GET /home "


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        ({"/": "http://evil.invalid/x"}, "it redirects to http://evil.invalid/x, which is not on http://127.0.0.1:"),
        ({"/": "//evil.invalid/"}, "it redirects to http://evil.invalid/, which is not on"),
        ({"/": "http://localhost/"}, "it redirects to http://localhost/, which is not on"),
        ({"/": "https://127.0.0.1/"}, "it redirects to https://127.0.0.1/, which is not on"),
        ({"/": "ftp://127.0.0.1/"}, "which is not on"),
        ({"/": "http://[::1"}, "it redirects to http://[::1, which is not on"),
        ({"/": "http://127.0.0.1:99999/"}, "which is not on"),
        ({"/": "/"}, "in a circle, back to http://127.0.0.1:"),
        ({"/": "/a", "/a": "/b", "/b": "/a"}, "in a circle"),
        ({"/": "/a", "/a": "/b", "/b": "/c", "/c": "/d"}, "more than 3 times, then to http://127.0.0.1:"),
    ],
)
def test_astray(ways: dict[str, str], words: str) -> None:
    """Who is sent to another origin, round in circles or on and on stays, and says where it would have gone."""
    with led(ways) as server:
        answer = send(at(server.port), ROOT, seconds=2, follow=True)
    assert answer.redirect_error is not None
    assert words in answer.redirect_error
    assert len(server.asked) <= 4


@pytest.mark.parametrize(
    ("status", "method", "words"),
    [
        (301, "POST", b"GET /a "),
        (302, "PUT", b"GET /a "),
        (303, "POST", b"GET /a "),
        (307, "POST", b"POST /a content"),
        (308, "POST", b"POST /a content"),
    ],
)
def test_the_method_after_a_redirect(status: int, method: str, words: bytes) -> None:
    """307 and 308 ask the same again, the others ask for the page, as browsers do."""
    with led({"/": "/a"}, status) as server:
        question = Request(method=method, body=b"content")
        assert send(at(server.port), question, seconds=2, follow=True).body == words


@pytest.mark.timeout(10)
def test_one_deadline_for_all_redirects() -> None:
    """The deadline is for the whole way, not for each part of it."""

    def slowly(asked: Asked) -> Reply:
        time.sleep(0.25)
        return Reply(status=302, headers={"Location": f"{asked.path}x"})

    with serve(slowly) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            send(at(server.port), ROOT, seconds=0.4, follow=True)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("path", ["//path", "//", "//other.example/x?y=//z"])
def test_two_slashes(path: str) -> None:
    """A path that begins with two slashes is asked as it is, not another one in its place."""
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
