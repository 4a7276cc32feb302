"""A push is judged by what the registry holds in the end, not by the engine's stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.publish_scenario import NEW, PublishScenario, Row, attempts, run_rows
from tests.servers.engine_proxy import Cut, Empty, EngineProxy, Garbage, Stall

pytestmark = pytest.mark.engine


def _whole_in(*tries: int) -> Callable[[PublishScenario, EngineProxy], None]:
    """Return a check that the release works after so many tries, whatever the stream said."""

    def check(scenario: PublishScenario, proxy: EngineProxy) -> None:
        done = scenario.go(scenario.registry.host, DOCKER_HOST=proxy.docker_host)

        assert done.statuses == NEW, done.all
        assert attempts(done) in tries
        assert proxy.count("POST", "/push") <= max(tries)
        assert scenario.whole("1", "latest") in done.out
        assert scenario.ledger() == [["1", "latest"]]

    return check


# An image that must not arrive is so big that it cannot arrive before the stream ends.
BIG = 10_000_000
ODD = b'null\r\n[1]\r\n7\r\n{"status": null, "id": 5}\r\n{"progressDetail": 1}\r\n"' + b"x" * 50_000_000 + b'"\r\n'
ROWS = {
    "empty": Row(check=_whole_in(1), fault=Empty(), push_timeout=4),
    "cut": Row(check=_whole_in(1, 2), fault=Cut(messages=1, times=1), push_timeout=4),
    "cut-for-good": Row(check=_whole_in(2), fault=Cut(messages=1, finishes=False, times=1), size=BIG, push_timeout=4),
    "garbage": Row(check=_whole_in(1, 2), fault=Garbage(times=1), push_timeout=4),
    "odd": Row(check=_whole_in(1), fault=Garbage(line=ODD), push_timeout=4),
    "stall": Row(check=_whole_in(1), fault=Stall(messages=1, times=1), push_timeout=4),
    "stall-for-good": Row(
        check=_whole_in(2), fault=Stall(messages=1, finishes=False, times=1), size=BIG, push_timeout=4
    ),
}


def test_incomplete_streams(scenario: PublishScenario) -> None:
    """After an incomplete stream the registry is asked; only what it lacks is sent again."""
    run_rows(scenario, ROWS)
