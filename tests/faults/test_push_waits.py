"""Faults that are waited for, by Seatrial or by the engine: all rows at once, as each of them does little else."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

import docker
import pytest

from tests.conftest import wait_until
from tests.faults.publish_scenario import AGAIN, NEW, NOT_BEGUN, PublishScenario, attempts
from tests.servers.registries import TestRegistry, first_image
from tests.servers.registry_proxy import (
    Flip,
    Hang,
    Rate,
    RegistryFault,
    RegistryProxy,
    Reset,
    Response,
    refusal,
    registry_proxy,
)
from tests.waiting import answers

pytestmark = pytest.mark.engine
SENDING = {"POST", "PATCH", "PUT"}
REGISTRY_IMAGES = ("registry:3", "localhost/seatrial/registry:2.8")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What goes wrong, and how it is held that it is dealt with."""

    hold: Callable[[PublishScenario, RegistryProxy], None]
    fault: RegistryFault
    size: int = 300_000
    push_timeout: float = 120


def _errors_for_ever(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """What the engine has tried five times in 50 seconds, waiting aloud, is not multiplied by our own tries."""
    done = scenario.fails(proxy.host, "500 Internal Server Error", code=3)

    assert attempts(done) == 1
    assert proxy.count("POST") == 5
    for seconds in (5, 10, 15, 20):
        assert f"Retrying in {seconds} seconds" in done.err
    assert scenario.held() == {}
    proxy.faults = ()
    assert scenario.go(proxy.host).statuses == AGAIN
    scenario.whole("1", "latest")


def _damaged(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """Content that arrives as other content is told as what it is; no tag is there."""
    done = scenario.fails(proxy.host, "the content was damaged in transit", "a proxy?")

    assert attempts(done) == 1
    assert scenario.held() == {}
    proxy.faults = ()
    assert scenario.go(proxy.host).statuses == AGAIN
    scenario.whole("1", "latest")


def _reset_once(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A connection that breaks in the middle of a layer is the engine's to mend, and it is shown that it waits."""
    done = scenario.go(proxy.host)

    assert done.statuses == NEW, done.all
    assert attempts(done) == 1
    assert "Retrying in 5 seconds" in done.err
    assert proxy.count("PATCH") == 3, "a layer twice and the configuration"
    assert scenario.whole("1", "latest") in done.out


def _rate_limit_once(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A registry that limits our rate is given five seconds, and it is said what for."""
    done = scenario.go(proxy.host)

    assert done.statuses == NEW, done.all
    assert attempts(done) == 2
    (line,) = [line for line in done.err.splitlines() if "try 2 of 4 in 5" in line]
    assert "rate limit" in line
    assert proxy.count("POST", status=429) == 1
    scenario.whole("1", "latest")


def _hangs(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A registry that is to take a layer and says nothing is left after the stall limit, three times over."""
    done = scenario.fails(proxy.host, "nothing moved for 3 s", "push_timeout", code=3)

    assert attempts(done) == 3
    assert 3 * 3 + 4 <= done.seconds < 40
    assert scenario.held() == {}
    assert scenario.lock_is_free()
    proxy.faults = ()
    proxy.close()  # what hangs, not what comes: the engine begins nothing anew before that has ended
    assert scenario.go(proxy.host).statuses == AGAIN
    scenario.whole("1", "latest")


def _slow_is_not_still(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A push that takes longer than it may stand still goes through in one try, as bytes move all the while."""
    done = scenario.go(proxy.host)

    assert done.statuses == NEW, done.all
    assert attempts(done) == 1
    (push,) = [step for step in done.document["steps"] if step["step"] == "push"]
    assert push["seconds"] > 8
    assert scenario.whole("1", "latest") in done.out


def _a_tag_that_does_not_move(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """The version goes out first; a moving tag that fails is told by name, and is all that is sent next time."""
    done = scenario.fails(proxy.host, "1 tag could not be moved", "only what is missing is pushed")

    held = scenario.whole("1")
    name = f"{proxy.host}/{scenario.repository}"
    (details,) = [step["error"]["details"] for step in done.document["steps"] if "error" in step]
    assert details[0] == f"{name}:1: published, {held}"
    assert details[1].startswith(f"{name}:latest: not moved, {proxy.host} answered 500")
    assert attempts(done) == 3
    assert f"missing {name}:latest" in done.err
    assert scenario.ledger() == [["1"]]
    proxy.faults = ()
    proxy.forget()

    assert scenario.go(proxy.host).statuses == AGAIN

    sent = [one.path.rpartition("/")[2] for one in proxy.log if one.method in SENDING]
    assert sent == ["latest"]
    assert scenario.whole("1", "latest") == held
    assert scenario.ledger() == [["1"], ["latest"]]


def _down(scenario: PublishScenario, host: str) -> None:
    """A registry that is down is asked three times, which is shown as it happens, before anything is built."""
    done = scenario.fails(host, host, "refused", "try 2 of 3 in 1", "try 3 of 3 in 3", code=3, steps=NOT_BEGUN)

    assert attempts(done, "preflight") == 3
    assert done.seconds >= 4
    assert scenario.held() == {}


def _dies_and_comes_back(scenario: PublishScenario, client: docker.DockerClient, port: int) -> None:
    """A registry that is killed in the middle of a layer and started again has the whole image in the end."""
    container = client.containers.run(
        client.images.get(first_image(client, REGISTRY_IMAGES)).id,
        detach=True,
        ports={"5000/tcp": ("127.0.0.1", port)},
        tmpfs={"/var/lib/registry": ""},
        labels={"seatrial.test": "registry"},
    )
    try:
        wait_until(lambda: answers(f"http://{scenario.registry.host}/v2/"))
        fault = Rate(method="PATCH", bytes_per_second=150_000, times=1)
        with registry_proxy(scenario.registry.host, fault) as proxy:
            process = scenario.start(proxy.host)
            wait_until(lambda: bool(proxy.count("PATCH")))
            time.sleep(0.5)
            container.kill()
            container.start()
            done = scenario.end(process)

        assert done.statuses == NEW, done.all
        assert attempts(done) == 1
        assert "Retrying in 5 seconds" in done.err
        assert scenario.whole("1", "latest") in done.out
    finally:
        container.remove(force=True)


ROWS = {
    "errors": Row(hold=_errors_for_ever, fault=Response(method="POST", status=500)),
    "damaged": Row(hold=_damaged, fault=Flip(method="PATCH", at=100_000)),
    "reset": Row(hold=_reset_once, fault=Reset(method="PATCH", after=100_000, times=1)),
    "limited": Row(
        hold=_rate_limit_once,
        fault=refusal(429, "TOOMANYREQUESTS", "slow down", method="POST", times=1, headers={"Retry-After": "1"}),
    ),
    "hangs": Row(hold=_hangs, fault=Hang(method="POST"), push_timeout=3),
    # Of 32 MB, 3 MB disappear at once in buffers on the way: of these nobody hears a word.
    "slow": Row(
        hold=_slow_is_not_still, fault=Rate(method="PATCH", bytes_per_second=3_000_000), size=32_000_000, push_timeout=6
    ),
    "latest": Row(hold=_a_tag_that_does_not_move, fault=Response(method="PUT", path="/manifests/latest$", status=500)),
}


def test_rows(scenario: PublishScenario, client: docker.DockerClient, free_port: int) -> None:
    """Every row holds."""
    with registry_proxy(scenario.registry.host) as gone:
        pass
    with ExitStack() as stack, ThreadPoolExecutor(len(ROWS) + 2) as pool:
        ready = []
        for name, row in ROWS.items():
            proxy = stack.enter_context(registry_proxy(scenario.registry.host, row.fault))
            scenario.log_in(proxy.host)
            one = scenario.another(name)
            one.load(row.size, push_timeout=row.push_timeout)
            ready.append((row.hold, one, proxy))
        begun = [pool.submit(hold, one, proxy) for hold, one, proxy in ready]
        begun.append(pool.submit(_down, scenario.another("down"), gone.host))
        mortal = replace(scenario.another("mortal"), registry=TestRegistry(f"localhost:{free_port}"))
        begun.append(pool.submit(_dies_and_comes_back, mortal, client, free_port))
        trouble = [error for one in begun if isinstance(error := one.exception(), Exception)]
    if trouble:
        raise ExceptionGroup("rows that do not hold", trouble)
