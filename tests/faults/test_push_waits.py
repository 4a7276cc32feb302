"""Faults between the engine and the registry: all run at the same time, because they mostly wait."""

from __future__ import annotations

import re

import pytest

from tests.cli_project import Done
from tests.faults.publish_scenario import AGAIN, NEW, NOT_BEGUN, PublishScenario, Row, attempts, run_rows
from tests.servers.registry_proxy import Flip, Hang, Rate, RegistryProxy, Reset, Response, Swap, refusal, registry_proxy

pytestmark = pytest.mark.engine
SENDING = {"POST", "PATCH", "PUT"}


def _then_it_works(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """Check that nothing is published, and that the next run does the rest once the fault is over."""
    assert scenario.held() == {}
    assert scenario.ledger() == []
    assert scenario.lock_is_free()
    proxy.faults = ()
    proxy.close()  # ends what hangs, because the engine starts nothing new before
    assert scenario.go(proxy.host).statuses == AGAIN
    scenario.whole("1", "latest")


def _goes_through(scenario: PublishScenario, proxy: RegistryProxy, *, expected_attempts: int) -> Done:
    """Check that a first release publishes everything in this number of attempts, and says its digest."""
    done = scenario.go(proxy.host)
    assert done.statuses == NEW, done.all
    assert attempts(done) == expected_attempts
    assert scenario.whole("1", "latest") in done.out
    return done


def _damaged(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """Content that is damaged in transit fails without a retry, and no tag is published."""
    assert attempts(scenario.fails(proxy.host)) == 1
    _then_it_works(scenario, proxy)


def _manifest_once(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A manifest that the registry refuses once is sent again; the layers are not."""
    done = _goes_through(scenario, proxy, expected_attempts=2)

    assert re.search(r"\b2 of 3\b", done.err)
    assert proxy.count("PATCH") == 2, "a layer and the configuration"


def _another_manifest(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A registry that returns another manifest than was pushed fails with both digests."""
    done = scenario.fails(proxy.host)

    pushed = scenario.whole("1")
    digests = re.findall(r"sha256:[0-9a-f]+", done.error["reason"])
    assert len(set(digests)) == 2
    assert any(pushed.startswith(digest) for digest in digests)
    assert attempts(done) == 1
    proxy.faults = ()
    assert scenario.go(proxy.host).statuses == AGAIN
    assert scenario.whole("1", "latest") == pushed


def _reset_once(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """The engine retries a connection that breaks during a layer, and its wait is shown."""
    done = _goes_through(scenario, proxy, expected_attempts=1)

    assert re.search(r"\b5 s", done.err)
    assert proxy.count("PATCH") == 3, "a layer twice and the configuration"


def _rate_limit_once(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """After a rate limit the push is retried in five seconds, and the reason is shown."""
    done = _goes_through(scenario, proxy, expected_attempts=2)

    (line,) = [line for line in done.err.splitlines() if re.search(r"\b2 of 4\b.*\b5(\.\d)? s\b", line)]
    assert proxy.host in line
    assert proxy.count("POST", status=429) == 1


def _hangs(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A registry that does not answer is given up after the stall limit, after three attempts."""
    done = scenario.fails(proxy.host, "1 s", "push_timeout", code=3)

    assert attempts(done) == 3
    assert 3 * 1 + 4 <= done.seconds < 40
    _then_it_works(scenario, proxy)


def _slow_is_not_stalled(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A push that takes longer than the stall limit works in one attempt while bytes move."""
    done = _goes_through(scenario, proxy, expected_attempts=1)

    (push,) = [step for step in done.document["steps"] if step["step"] == "push"]
    assert push["seconds"] > 5


def _a_tag_that_does_not_move(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """The version is published first; a moving tag that fails is named, and only it is sent in the next run."""
    done = scenario.fails(proxy.host)

    held = scenario.whole("1")
    name = f"{proxy.host}/{scenario.repository}"
    assert held in done.error["details"][0]
    assert re.search(rf"{name}:latest: .*\b500\b", done.error["details"][1])
    assert attempts(done) == 3
    published = {one["reference"]: one["digest"] for one in done.document["image"]["references"]}
    assert published == {f"{name}:1": held, f"{name}:latest": None}
    assert scenario.ledger() == [["1"]]
    proxy.faults = ()
    proxy.forget()

    assert scenario.go(proxy.host).statuses == AGAIN

    sent = [one.path.rpartition("/")[2] for one in proxy.log if one.method in SENDING]
    assert sent == ["latest"]
    assert scenario.whole("1", "latest") == held
    assert scenario.ledger() == [["1"], ["latest"]]


def _down(scenario: PublishScenario, _: RegistryProxy) -> None:
    """A registry that is down is tried three times before anything is built, and each retry is shown."""
    with registry_proxy(scenario.registry.host) as gone:
        pass
    done = scenario.fails(gone.host, gone.host, code=3, cause="no-registry", steps=NOT_BEGUN)

    assert re.findall(r"\b([23]) of 3 in ([13])\b", done.err) == [("2", "1"), ("3", "3")]
    assert attempts(done, "preflight") == 3
    assert done.seconds >= 4


ROWS = {
    "damaged": Row(check=_damaged, fault=Flip(method="PATCH", at=100_000)),
    "down": Row(check=_down),
    "manifest": Row(
        check=_manifest_once, fault=refusal(503, "UNAVAILABLE", "gone", method="PUT", path="/manifests/", times=1)
    ),
    "another": Row(
        check=_another_manifest,
        fault=Swap(method="GET|HEAD", path="/manifests/1$", change=lambda body: body + b"\n"),
    ),
    "reset": Row(check=_reset_once, fault=Reset(method="PATCH", after=100_000, times=1)),
    "limited": Row(
        check=_rate_limit_once,
        fault=refusal(429, "TOOMANYREQUESTS", "slow down", method="POST", times=1, headers={"Retry-After": "1"}),
    ),
    "hangs": Row(check=_hangs, fault=Hang(method="POST"), push_timeout=1),
    # Of 20 MB, buffers on the way take 3 MB at once, for which no progress is reported.
    "slow": Row(
        check=_slow_is_not_stalled,
        fault=Rate(method="PATCH", bytes_per_second=3_000_000),
        size=20_000_000,
        push_timeout=4,
    ),
    "latest": Row(check=_a_tag_that_does_not_move, fault=Response(method="PUT", path="/manifests/latest$", status=500)),
}


def test_rows(scenario: PublishScenario) -> None:
    """Every fault is handled as its check says."""
    run_rows(scenario, ROWS)
