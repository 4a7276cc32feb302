"""A push is judged by what the registry holds in the end, not by the engine's stream or the registry's answers."""

from __future__ import annotations

import re

import pytest

from tests import skopeo
from tests.cli_project import failed
from tests.faults.publish_scenario import AGAIN, NEW, NOT_SENT, PublishScenario, attempts
from tests.servers.engine_proxy import Cut, Empty, EngineFault, Garbage, Stall, WithoutAux, engine_proxy
from tests.servers.registry_proxy import Swap, registry_proxy

pytestmark = pytest.mark.engine
SENDING = "POST|PATCH|PUT"


def test_another_manifest(scenario: PublishScenario) -> None:
    """A registry that returns another manifest than was pushed fails with both digests."""
    swap = Swap(method="GET|HEAD", path="/manifests/1$", change=lambda body: body + b"\n")
    with registry_proxy(scenario.registry.host, swap) as proxy:
        scenario.log_in(proxy.host)

        done = scenario.fails(proxy.host)

        pushed = scenario.whole("1")
        digests = re.findall(r"sha256:[0-9a-f]+", done.error["reason"])
        assert len(set(digests)) == 2
        assert any(pushed.startswith(digest) for digest in digests)
        assert attempts(done) == 1
        assert scenario.ledger() == []
        proxy.faults = ()
        assert scenario.go(proxy.host).statuses == AGAIN
    assert scenario.whole("1", "latest") == pushed


def test_the_second_push_sends_nothing(scenario: PublishScenario) -> None:
    """A second release or push sends nothing and only reads the registry."""
    with registry_proxy(scenario.registry.host) as proxy:
        scenario.log_in(proxy.host)
        assert scenario.go(proxy.host).statuses == NEW
        held = scenario.whole("1", "latest")
        proxy.forget()

        for command in ("release", "push"):
            done = scenario.go(proxy.host, command=command)
            assert (done.code, set(done.statuses.values())) == (0, {"ok"})

        assert proxy.count("GET|HEAD")
        assert proxy.count(SENDING) == 0
    assert scenario.held() == {"1": held, "latest": held}
    assert scenario.ledger() == [["1", "latest"]]


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        pytest.param(WithoutAux(), {1}, id="no digest"),
        pytest.param(Empty(), {1}, id="no message"),
        pytest.param(Cut(times=1), {1}, id="no end"),
        pytest.param(Cut(messages=1, times=1), {1, 2}, id="cut"),
        pytest.param(Cut(messages=1, finishes=False, times=1), {2}, id="cut for good"),
        pytest.param(Garbage(times=1), {1, 2}, id="garbage"),
        pytest.param(Stall(messages=1, times=1), {1}, id="stall"),
        pytest.param(Stall(messages=1, finishes=False, times=1), {2}, id="stall for good"),
    ],
)
def test_an_incomplete_stream(scenario: PublishScenario, fault: EngineFault, tries: set[int]) -> None:
    """After an incomplete stream the registry is checked; only what it lacks is sent again."""
    # An image that must not arrive is so big that it cannot arrive before the stream ends.
    scenario.load(300_000 if getattr(fault, "finishes", True) else 10_000_000, push_timeout=2)
    scenario.log_in(scenario.registry.host)
    with engine_proxy(fault) as proxy:
        done = scenario.go(scenario.registry.host, DOCKER_HOST=proxy.docker_host)

        assert done.statuses == NEW, done.all
        assert attempts(done) in tries
        assert proxy.count("POST", "/push") <= max(tries)
    assert scenario.whole("1", "latest") in done.out
    assert scenario.ledger() == [["1", "latest"]]


def test_an_empty_stream(scenario: PublishScenario) -> None:
    """A push with an empty stream and no image in the registry has failed, although the engine reports no error."""
    scenario.log_in(scenario.registry.host)
    with engine_proxy(Empty(reaches_engine=False)) as proxy:
        done = scenario.go(scenario.registry.host, DOCKER_HOST=proxy.docker_host)

    failed(done, f"{scenario.repository}:1")
    assert done.statuses == NOT_SENT
    assert skopeo.tags(scenario.registry, scenario.repository) == []
    assert scenario.ledger() == []
    assert scenario.lock_is_free()
    assert scenario.go(scenario.registry.host).statuses == AGAIN
    scenario.whole("1", "latest")
