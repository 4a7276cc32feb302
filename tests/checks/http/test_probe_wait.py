"""An app is found as soon as it answers, and what came until then is kept."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import Attempt, PollInterval, Result, probe
from seatrial.checks.http.response import Expected
from seatrial.model.app import Check
from tests.servers.local_server import Asked, Reply, serve

HEAD = b"HTTP/1.1 200 OK\r\n"


def put(port: int, *checks: Check, seconds: float = 2) -> tuple[Result, ...]:
    """Put checks to what listens on a port."""
    return probe(BaseUrl(port=port), checks or (Check(),), expected=Expected(version="1.4"), seconds=seconds)


@pytest.mark.parametrize("late", [0.0, 0.15, 1.0])
def test_readiness_is_found_at_once(late: float, free_port: int) -> None:
    """An app is found within 20 ms of its first possible answer, whenever that is; a busy machine has five tries."""
    assert any(_delay(late, free_port) < 0.02 for _ in range(5))


def _delay(late: float, free_port: int) -> float:
    """Return the seconds from when an app listens, after `late` seconds, to when it is found."""
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
    (result,) = put(free_port, seconds=5)
    coming.join()
    assert result.problem is None
    return found[0] - ready[0]


def test_timeline(free_port: int) -> None:
    """What came is kept with its time, the same in a row as one; the answer that counted comes last."""
    coming = chain([Reply(status=503, body=b"warming")] * 2, repeat(Reply(body=b"hello")))
    with serve(lambda _: next(coming)) as server:
        first, second = put(server.port, Check(text="hello"), Check(text="hello"))
    warming, passed = first.attempts
    assert (warming.words, warming.count) == ("status 503, expected 200; the body begins 'warming'", 2)
    assert (passed.words, passed.count) == ("passed", 1)
    assert 0 <= warming.at < passed.at < second.attempts[0].at < 2
    (refused,) = put(free_port, seconds=0.2)
    (only,) = refused.attempts
    assert only.words == "no answer: Connection refused"
    assert only.count > 5


def test_a_try_as_a_line() -> None:
    """A line of the timeline says when, what, and how often."""
    assert str(Attempt(at=1.5, words="refused")) == "  1.500 s  refused"
    assert str(Attempt(at=1.5, words="refused", count=3)) == "  1.500 s  refused (3 times)"


def slowly(*seconds: float) -> Iterator[float]:
    """Return these waits, then none."""
    return chain(seconds, repeat(0.0))


def test_within() -> None:
    """A right answer that comes too late is wrong, once the app is ready."""
    waits = slowly(0.0, 0.3)

    def answer(_: Asked) -> Reply:
        time.sleep(next(waits))
        return Reply()

    with serve(answer) as server:
        first, second = put(server.port, Check(), Check(within=0.2), seconds=5)
    assert first.problem is None
    assert second.problem == "no answer: no complete answer within 0.2 s"
    assert second.final


def test_within_does_not_count_the_start() -> None:
    """An app whose very first answer is slow is asked again: it was not ready."""
    waits = slowly(0.3)

    def answer(_: Asked) -> Reply:
        time.sleep(next(waits))
        return Reply()

    with serve(answer) as server:
        (result,) = put(server.port, Check(within=0.2), seconds=5)
    assert result.problem is None
    assert len(server.asked) == 2
    assert result.attempts[0].words.startswith("it answered after 0.3")


def test_pace() -> None:
    """The pauses begin small, grow, and never exceed 10 ms in the first seconds and 15 ms ever."""
    interval, pause, waited = PollInterval(), PollInterval().first, 0.0
    pauses = []
    while waited < 10:
        pauses.append(pause)
        waited += pause
        pause = interval.after(pause, waited)
    assert pauses[0] < 0.005
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 0.01
    assert interval.after(1, 1000) == 0.015
