"""An app that is not ready is waited for; a wrong answer that will not change is final."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from itertools import chain, pairwise, repeat

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import PollInterval, Result, _is_permanent, probe
from seatrial.checks.http.response import Expected
from seatrial.diagnosis.answers import deployed_cause
from seatrial.model.app import Check
from tests.servers.local_server import Reply, listen, serve

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def run_checks(port: int, *checks: Check, seconds: float = 2, version: str = "1.4") -> tuple[Result, ...]:
    """Return the results of checks against a port."""
    return probe(BaseUrl(port=port), checks or (Check(),), expected=Expected(version=version), seconds=seconds)


def replies(*first: Reply, then: Reply) -> Iterator[Reply]:
    """Yield the first replies, then always the last one."""
    return chain(first, repeat(then))


def test_error_then_fine() -> None:
    """An app that answers 5xx while it starts is waited for, until the time is over."""
    coming = replies(Reply(status=503), Reply(status=500), then=Reply(body=b"hello"))
    with serve(lambda _: next(coming)) as server:
        (result,) = run_checks(server.port, Check(text="hello"))
    assert result.problem is None
    assert len(server.asked) == 3
    with serve(lambda _: Reply(status=500)) as server:
        (result,) = run_checks(server.port, seconds=1)
    assert deployed_cause(result.problem or "") == "server-error"
    assert not result.final
    assert len(server.asked) > 1


def test_reset_then_fine() -> None:
    """A connection that is reset, as by Docker's proxy before the app listens, means "not ready"."""
    count: list[int] = []

    def talk(connection: socket.socket) -> None:
        count.append(1)
        if len(count) < 3:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")

    with listen(talk) as port:
        (result,) = run_checks(port, Check(text="ok"))
    assert result.problem is None
    assert len(count) == 3
    assert [one.count for one in result.attempts] == [2, 1]
    assert deployed_cause(result.attempts[0].words) == "no-answer"


@pytest.mark.parametrize("words", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 banana\r\n\r\n"])
def test_no_http(words: bytes) -> None:
    """A response that is not HTTP counts as no answer."""
    with listen(lambda connection: connection.sendall(words)) as port:
        (result,) = run_checks(port, seconds=0.2)
    assert deployed_cause(result.problem or "") == "no-answer"


@pytest.mark.parametrize("check", [Check(text="hello"), Check(status=201)])
def test_wrong_at_once(check: Check) -> None:
    """A wrong answer that will not change is final at once."""
    with serve(lambda _: Reply(body=b"good bye")) as server:
        began = time.monotonic()
        (result,) = run_checks(server.port, check, seconds=20)
    assert time.monotonic() - began < 1
    assert result.problem is not None
    assert result.final
    assert len(server.asked) == 1


def test_what_a_check_sends() -> None:
    """Method, path, headers and body are sent with the version in them; a body that is not text is sent as JSON."""
    asks = Check(method="POST", path="/v/{version}", headers={"X-Version": "{version}"}, body={"v": ["{version}", 1]})
    says = Check(method="PUT", headers={"content-type": "text/x"}, body=["a"])
    with serve(lambda _: Reply()) as server:
        results = run_checks(server.port, asks, says, Check(method="DELETE", body="plain"))
    assert [(str(one.check), one.problem) for one in results] == [
        ("POST /v/{version}", None),
        ("PUT /", None),
        ("DELETE /", None),
    ]
    first, second, third = server.asked
    assert (first.method, first.path, first.body) == ("POST", "/v/1.4", b'{"v": ["1.4", 1]}')
    assert (first.headers["X-Version"], first.headers["Content-Type"]) == ("1.4", "application/json")
    assert second.headers["content-type"] == "text/x"
    assert (third.method, third.body) == ("DELETE", b"plain")


@pytest.mark.timeout(10)
def test_dead_app(free_port: int) -> None:
    """The wait ends as soon as the app is dead, which is looked at often enough."""
    looks: list[float] = []
    began = time.monotonic()

    def alive() -> bool:
        looks.append(time.monotonic() - began)
        return len(looks) < 4

    first, *rest = probe(
        BaseUrl(port=free_port), (Check(), Check()), expected=Expected(version="1"), seconds=60, alive=alive
    )
    assert not rest
    assert first.problem is not None
    assert len(looks) == 4
    assert all(later - sooner < 0.5 for sooner, later in pairwise([0, *looks]))


@pytest.mark.timeout(10)
def test_a_change_is_looked_into_at_once() -> None:
    """If the connection is refused after it was interrupted, as when a container ends, `alive` is called at once."""
    looks: list[float] = []
    results: list[Result] = []

    def alive() -> bool:
        looks.append(time.monotonic())
        return False

    def probing(port: int) -> None:
        where, who = BaseUrl(port=port), Expected(version="1")
        results.extend(
            probe(where, (Check(),), expected=who, seconds=5, alive=alive, interval=PollInterval(alive_interval=60))
        )

    asked = threading.Event()
    with listen(lambda _: asked.set()) as port:
        thread = threading.Thread(target=probing, args=(port,))
        thread.start()
        asked.wait()
    closed = time.monotonic()
    thread.join()
    assert len(looks) == 1
    assert looks[0] - closed < 0.5
    assert len(results[0].attempts) == 2


def test_one_wait_for_all(free_port: int) -> None:
    """All checks share one wait."""
    began = time.monotonic()
    results = run_checks(free_port, *(Check(path=f"/{number}") for number in range(20)), seconds=0.3)
    assert len(results) == 20
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), True),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), False),
        (ssl.SSLCertVerificationError("self-signed certificate"), True),
        (ssl.SSLEOFError("EOF occurred in violation of protocol"), False),
        (ConnectionRefusedError("refused"), False),
        (TimeoutError("late"), False),
    ],
)
def test_permanent_errors(error: OSError, *, permanent: bool) -> None:
    """An unknown host and a bad certificate are permanent errors: waiting does not help."""
    assert _is_permanent(error) is permanent
