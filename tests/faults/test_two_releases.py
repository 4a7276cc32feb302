"""Two releases of the same version at the same time: one wins, and the other is told."""

from __future__ import annotations

import json
import os
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli_project import Done, failed
from tests.conftest import wait_until
from tests.faults.publish_scenario import NEW, PublishScenario
from tests.servers.registry_proxy import Rate, RegistryProxy, registry_proxy

pytestmark = pytest.mark.engine
_DOCKERFILE = """\
FROM scratch
COPY chance /
ARG RELEASER=nobody
LABEL releaser=$RELEASER
"""
ROUNDS = int(os.environ.get("ROUNDS", "1"))
SLOW = Rate(method="PATCH", bytes_per_second=150_000)


def _both(scenario: PublishScenario, proxy: RegistryProxy, version: str, *more: str) -> tuple[Done, Done, int]:
    """Run two releases with different content; return winner and loser, and the winner's process id."""
    scenario.log_in(proxy.host)
    (scenario.project.folder / "Dockerfile").write_text(_DOCKERFILE)
    processes = [
        scenario.start(proxy.host, "--build-arg", f"RELEASER={releaser}", *more, version=version)
        for releaser in ("first", "second")
    ]
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(scenario.end, processes))
    (winner, process), (loser, _) = sorted(zip(ended, processes, strict=True), key=lambda pair: pair[0].code)
    assert winner.statuses == NEW, winner.all
    held = scenario.held()
    assert held[version] == held["latest"] == json.loads(winner.out)["steps"][-1]["after"]
    assert scenario.lock_is_free()
    assert len(scenario.ledger()) == 1
    return winner, loser, process.pid


def test_one_wins(scenario: PublishScenario) -> None:
    """One is published whole; the other exits with 4 and names the other's process, time and version."""
    with registry_proxy(scenario.registry.host, SLOW) as proxy:
        _, loser, pid = _both(scenario, proxy, "1.1")

        failed(loser, str(pid), "1.1", "--lock-wait", code=4)
        assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", loser.err)
        assert set(loser.statuses.values()) == {"skipped"}


@pytest.mark.parametrize("engine", ["-b", ""], ids=["two machines", "one engine"])
def test_two_folders(scenario: PublishScenario, engine: str) -> None:
    """Of two folders that do not know each other's lock, one publishes; the other exits with 4, and names what won."""
    other = scenario.checkout("other", engine=engine)
    with registry_proxy(scenario.registry.host, SLOW) as proxy, registry_proxy(scenario.registry.host) as second:
        first_host, second_host = proxy.host, second.host if engine else proxy.host
        for number in range(ROUNDS):
            version = f"1.0.{number}"
            for one, host in ((scenario, first_host), (other, second_host)):
                one.log_in(host)
                one.load()
            proxy.forget()
            processes = [scenario.start(first_host, version=version)]
            if engine:
                wait_until(lambda: bool(proxy.count("PATCH")))
            time.sleep(random.uniform(0, 1))
            processes.append(other.start(second_host, version=version))
            with ThreadPoolExecutor(2) as pool:
                winner, loser = sorted(pool.map(scenario.end, processes), key=lambda done: done.code)

            held = scenario.held()
            assert (winner.code, loser.code) == (0, 4), winner.err + loser.err
            assert held[version] == held["latest"] == json.loads(winner.out)["steps"][-1]["after"]
            assert "did not converge" not in loser.all
