"""An app is asked over HTTP with patience for what may come, and none for what will not change."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

import pytest

from lading.app import Check
from lading.errors import ContainerFailed
from lading.probe import Result, ask, probe
from tests.local_server import Reply, listen, serve

HOST = "127.0.0.1"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def lives() -> None:
    """Say that the app is alive."""


def put(port: int, *checks: Check, seconds: float = 2, version: str = "1.4") -> tuple[Result, ...]:
    """Put checks to what listens on a port."""
    return probe(HOST, port, checks or (Check(),), version=version, seconds=seconds, alive=lives)


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
            ask(HOST, port, "/", seconds=0.3)
        assert time.monotonic() - began < 1.5


@pytest.mark.timeout(10)
def test_silence() -> None:
    """An app that accepts and never answers costs the wait that was allowed, and no more."""
    with listen(lambda _: time.sleep(5)) as port:
        began = time.monotonic()
        (result,) = put(port, seconds=0.4)
        assert time.monotonic() - began < 1.5
    assert result.problem is not None
    assert "no complete answer" in result.problem
    assert not result.final


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
        answer = ask(HOST, port, "/", seconds=10)
        (result,) = put(port)
    assert answer.cut
    assert len(answer.body) == 1024 * 1024
    assert result.problem == "the body is larger than 1,048,576 bytes"
    assert result.final
    assert len(sent) < 64
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def replies(*first: Reply, then: Reply) -> Iterator[Reply]:
    """Give these, then always the last."""
    return chain(first, repeat(then))


def test_error_then_fine() -> None:
    """An app that answers 5xx while it warms up is waited for."""
    coming = replies(Reply(status=503), Reply(status=500), then=Reply(body=b"hello"))
    with serve(lambda _: next(coming)) as server:
        (result,) = put(server.port, Check(text="hello"))
    assert result.problem is None
    assert len(server.asked) == 3


def test_error_for_ever() -> None:
    """An app that answers 500 until the wait is over failed, and its words are told without control characters."""
    with serve(lambda _: Reply(status=500, body=b"\x1b[31mboom\x00" + b"x" * 900)) as server:
        (result,) = put(server.port, seconds=0.3)
    assert result.problem is not None
    assert "status 500, expected 200; the body begins 'boomxx" in result.problem
    assert len(result.problem) < 200
    assert len(server.asked) > 1


def test_wanted_error() -> None:
    """A check that wants a 503 has it at once."""
    with serve(lambda _: Reply(status=503)) as server:
        (result,) = put(server.port, Check(status=503))
    assert result.problem is None
    assert len(server.asked) == 1


def test_refused_then_fine(free_port: int) -> None:
    """An app that does not listen yet is waited for, and the wait ends when it does."""
    tries: list[float] = []

    def start() -> None:
        tries.append(time.monotonic())
        if len(tries) == 4:
            listener = socket.create_server((HOST, free_port))
            late.append(listener)
            listener.close()

    late: list[socket.socket] = []
    began = time.monotonic()
    (result,) = probe(HOST, free_port, (Check(),), version="1", seconds=0.6, alive=start)
    assert result.problem is not None
    assert "refused" in result.problem
    assert late
    assert 0.3 < time.monotonic() - began < 2


def test_reset_then_fine() -> None:
    """A connection that is reset, as by Docker's proxy before the app listens, means "not yet"."""
    count: list[int] = []

    def talk(connection: socket.socket) -> None:
        count.append(1)
        if len(count) < 3:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")

    with listen(talk) as port:
        (result,) = put(port, Check(text="ok"))
    assert result.problem is None
    assert len(count) == 3


@pytest.mark.parametrize(
    "words", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200 OK\r\n" * 300]
)
def test_no_http(words: bytes) -> None:
    """What does not speak HTTP is no answer, in words."""
    with listen(lambda connection: connection.sendall(words)) as port:
        (result,) = put(port, seconds=0.2)
    assert result.problem is not None
    assert result.problem.startswith("no answer: ")


@pytest.mark.parametrize(
    ("check", "reply", "words"),
    [
        (Check(), Reply(status=404, body=b"nope"), "status 404, expected 200; the body begins 'nope'"),
        (Check(status=404), Reply(), "status 200, expected 404"),
        (Check(text="hello"), Reply(body=b"good bye"), "does not contain 'hello'; it begins 'good bye'"),
        (Check(json={"a": 1}), Reply(body=b'{"a": 2}'), 'expected {"a": 1}'),
        (Check(json={"a": 1}), Reply(body=b'{"a": 1, "b": 2}'), 'expected {"a": 1}'),
        (Check(json=[]), Reply(body=b"<html>"), "is no JSON; it begins '<html>'"),
        (Check(json=[]), Reply(body=b""), "is no JSON"),
        (Check(text="1.4"), Reply(body=b"1.3"), "does not contain '1.4'"),
        (Check(text="v{version}"), Reply(body=b"v1.3"), "does not contain 'v1.4'"),
        (Check(json={"v": "{version}"}), Reply(body=b'{"v": "1.3"}'), 'expected {"v": "1.4"}'),
        (Check(), Reply(status=302, headers={"Location": "http://evil.invalid/"}), "status 302 (to http://evil.inval"),
    ],
)
def test_wrong_at_once(check: Check, reply: Reply, words: str) -> None:
    """A wrong answer that will not change is told at once, with what came and what was expected."""
    with serve(lambda _: reply) as server:
        (result,) = put(server.port, check, seconds=20)
    assert result.problem is not None
    assert words in result.problem
    assert result.final
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (Check(text="{version}"), b"this is 1.4."),
        (Check(json={"v": ["{version}", {"{version}": None}, 1]}), b'{"v": ["1.4", {"{version}": null}, 1]}'),
        (Check(json="{version}"), b'"1.4"'),
        (Check(json={"b": 1, "a": 2}), b' {"a":2,"b":1} '),
        (Check(), b""),
    ],
)
def test_right(check: Check, body: bytes) -> None:
    """`{version}` stands for the version under test, and JSON is compared as values."""
    with serve(lambda _: Reply(body=body)) as server:
        (result,) = put(server.port, check)
    assert result == Result(check="GET /", problem=None, seconds=result.seconds)


def test_order() -> None:
    """Results come in the checks' order, also when one in the middle fails."""
    with serve(lambda asked: Reply(body=asked.path.encode())) as server:
        results = put(server.port, Check(path="/a", text="/a"), Check(path="/b", text="x"), Check(path="/c"))
    assert [(one.check, one.problem is None) for one in results] == [
        ("GET /a", True),
        ("GET /b", False),
        ("GET /c", True),
    ]


def test_redirect_not_followed() -> None:
    """A redirect is an answer like any other: nobody is sent on to another host or round in circles."""
    with serve(lambda _: Reply(status=302, headers={"Location": "/"})) as server:
        (result,) = put(server.port, Check(status=302))
    assert result.problem is None
    assert len(server.asked) == 1


def test_proxies_ignored(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment does not come between us and the app."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port}")
    with serve(lambda _: Reply(body=b"hello")) as server:
        assert ask(HOST, server.port, "/", seconds=2).body == b"hello"


@pytest.mark.timeout(5)
def test_dead_app(free_port: int) -> None:
    """The wait ends as soon as the app is known to be dead."""
    calls: list[int] = []

    def alive() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise ContainerFailed("web died", why="exit code 3", mend="look")

    with pytest.raises(ContainerFailed):
        probe(HOST, free_port, (Check(),), version="1", seconds=60, alive=alive)


def test_one_wait_for_all(free_port: int) -> None:
    """The wait is for all checks together, not for each."""
    began = time.monotonic()
    results = put(free_port, *(Check(path=f"/{number}") for number in range(20)), seconds=0.3)
    assert len(results) == 20
    assert time.monotonic() - began < 3


def test_threads_end() -> None:
    """A request that is answered leaves no watch behind that could close somebody else's connection."""
    with serve(lambda _: Reply(body=b"hello")) as server:
        for _ in range(5):
            with suppress(OSError):
                ask(HOST, server.port, "/", seconds=0.2)
        time.sleep(0.3)
        value: Any = ask(HOST, server.port, "/", seconds=2).body
    assert value == b"hello"
