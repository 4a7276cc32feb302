"""An app is found as soon as it answers, and the attempts until then are kept."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import AbstractContextManager
from itertools import chain, repeat

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import PollInterval, Result, probe
from seatrial.checks.http.response import Expected
from seatrial.diagnosis.answers import deployed_cause
from seatrial.model.app import Check
from tests.servers.local_server import Asked, Reply, Served, listen, serve

HEAD = b"HTTP/1.1 200 OK\r\n"


def run_checks(port: int, *checks: Check, seconds: float = 2) -> tuple[Result, ...]:
    """Return the results of checks against a port."""
    return probe(BaseUrl(port=port), checks or (Check(),), expected=Expected(version="1.4"), seconds=seconds)


@pytest.mark.parametrize("late", [0.0, 1.0])
def test_readiness_is_found_at_once(late: float, free_port: int) -> None:
    """An app is found within 20 ms of being ready, whenever that is; a busy machine has five attempts."""
    assert any(_delay(late, free_port) < 0.02 for _ in range(5))


def _delay(late: float, free_port: int) -> float:
    """Return the seconds between the moment an app listens, after `late` seconds, and the first request to it."""
    ready: list[float] = []
    found: list[float] = []

    def come() -> None:
        with socket.create_server(("127.0.0.1", free_port)) as listener:
            ready.append(time.monotonic())
            line, _ = listener.accept()
            found.append(time.monotonic())
            with line:
                line.recv(65536)
                line.sendall(HEAD + b"Content-Length: 0\r\n\r\n")

    coming = threading.Timer(late, come)
    coming.start()
    (result,) = run_checks(free_port, seconds=5)
    coming.join()
    assert result.problem is None
    return found[0] - ready[0]


def test_timeline(free_port: int) -> None:
    """Each attempt is kept with its time, equal ones in a row as one; the attempt that counted is last."""
    coming = chain([Reply(status=503, body=b"warming")] * 2, repeat(Reply(body=b"hello")))
    with serve(lambda _: next(coming)) as server:
        first, second = run_checks(server.port, Check(text="hello"), Check(text="hello"))
    warming, passed = first.attempts
    assert (deployed_cause(warming.words), warming.count) == ("server-error", 2)
    assert passed.count == 1
    assert 0 <= warming.at < passed.at < second.attempts[0].at < 2
    (refused,) = run_checks(free_port, seconds=0.2)
    (only,) = refused.attempts
    assert deployed_cause(only.words) == "no-answer"
    assert only.count > 5


def slowly(*seconds: float) -> AbstractContextManager[Served]:
    """Serve an app whose first answers take so many seconds."""
    waits = chain(seconds, repeat(0.0))

    def answer(_: Asked) -> Reply:
        time.sleep(next(waits))
        return Reply()

    return serve(answer)


def test_within() -> None:
    """A right answer that comes too late is wrong, unless the app was not ready before."""
    with slowly(0.0, 0.3) as server:
        first, second = run_checks(server.port, Check(), Check(within=0.2), seconds=5)
    assert first.problem is None
    assert deployed_cause(second.problem or "") == "no-answer"
    assert "0.2 s" in (second.problem or "")
    assert second.final


def test_within_does_not_count_the_start() -> None:
    """If the first answer of an app is slow, the check is repeated: the app was not ready."""
    with slowly(0.3) as server:
        (result,) = run_checks(server.port, Check(within=0.2), seconds=5)
    assert result.problem is None
    assert len(server.asked) == 2
    assert " 0.3" in result.attempts[0].words


def test_poll_interval() -> None:
    """The pauses start small, are at most 10 ms in the first second, and grow to one second."""
    interval, pause, waited = PollInterval(), PollInterval().first, 0.0
    pauses = []
    while waited < 1:
        pauses.append(pause)
        waited += pause
        pause = interval.after(pause, waited)
    assert pauses[0] < 0.005
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 0.01
    assert interval.after(0.5, 5) == 0.25
    assert interval.after(1, 1000) == 1


@pytest.mark.timeout(20)
def test_a_settled_result() -> None:
    """Once a second an app that is not ready is looked at; if its result has settled, no other check is made."""
    seen: list[tuple[str, int]] = []

    def settled(result: Result, waited: float) -> bool:
        seen.append((result.state, int(waited)))
        return waited > 2

    with serve(lambda _: Reply(status=500)) as server:
        where, who = BaseUrl(port=server.port), Expected(version="1")
        (result,) = probe(where, (Check(), Check()), expected=who, seconds=60, settled=settled)
    assert seen == [("answers 500", 1), ("answers 500", 2)]
    assert deployed_cause(result.problem or "") == "server-error"
    assert not result.final
    assert len(server.asked) < 300


def test_a_settled_result_of_a_request_that_waits() -> None:
    """An app that takes a request and does not answer is looked at, too, and need not be waited for."""
    with listen(lambda _: time.sleep(2)) as port:
        began = time.monotonic()
        (result,) = probe(
            BaseUrl(port=port), (Check(),), expected=Expected(version="1"), seconds=60, settled=lambda *_: True
        )
    assert deployed_cause(result.problem or "") == "no-answer"
    assert time.monotonic() - began < 10
