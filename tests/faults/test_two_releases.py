"""Two releases of the same version at the same time: one works, the other waits or fails with the lock's owner."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli_project import Done, failed
from tests.faults.publish_scenario import NEW, PublishScenario
from tests.servers.registry_proxy import Delay, RegistryProxy, registry_proxy

pytestmark = pytest.mark.engine
ROUNDS = 3
_DOCKERFILE = """\
FROM scratch
COPY chance /
ARG RELEASER=nobody
LABEL releaser=$RELEASER
"""
WHOLE_PUSH = Delay(method="POST", seconds=0.6)


@pytest.fixture
def scenario_pair(scenario: PublishScenario) -> PublishScenario:
    """A scenario whose content depends on --build-arg RELEASER."""
    (scenario.project.folder / "Dockerfile").write_text(_DOCKERFILE)
    return scenario


def _ended(scenario_pair: PublishScenario, processes: dict[str, subprocess.Popen[str]]) -> dict[str, Done]:
    """Wait for releases and return how each ended."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return dict(zip(processes, pool.map(scenario_pair.end, processes.values()), strict=True))


def _start(
    scenario_pair: PublishScenario, proxy: RegistryProxy, version: str, *more: str
) -> dict[str, subprocess.Popen[str]]:
    """Start two releases with different content."""
    return {
        releaser: scenario_pair.start(proxy.host, "--build-arg", f"RELEASER={releaser}", *more, version=version)
        for releaser in ("first", "second")
    }


def test_one_wins(scenario_pair: PublishScenario) -> None:
    """One is published whole; the other exits with 4 and names the other's process, time and version."""
    with registry_proxy(scenario_pair.registry.host, WHOLE_PUSH) as proxy:
        scenario_pair.log_in(proxy.host)
        for number in range(ROUNDS):
            version = f"1.{number}"
            processes = _start(scenario_pair, proxy, version)
            ended = _ended(scenario_pair, processes)

            winner, loser = sorted(ended, key=lambda releaser: ended[releaser].code)
            assert (ended[winner].code, ended[winner].statuses) == (0, NEW), ended[winner].all
            pid = processes[winner].pid
            failed(ended[loser], str(pid), version, "--lock-wait", code=4)
            assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", ended[loser].err)
            assert set(ended[loser].statuses.values()) == {"skipped"}
            assert scenario_pair.held()[version] == scenario_pair.held()["latest"] == _pushed(ended[winner])
            assert scenario_pair.lock_is_free()
    assert len(scenario_pair.ledger()) == ROUNDS


def test_waiting_with_other_content(scenario_pair: PublishScenario) -> None:
    """A release that waits for another one with other content fails then; nothing is overwritten."""
    with registry_proxy(scenario_pair.registry.host, WHOLE_PUSH) as proxy:
        scenario_pair.log_in(proxy.host)

        ended = _ended(scenario_pair, _start(scenario_pair, proxy, "1", "--lock-wait", "60"))

        winner, loser = sorted(ended, key=lambda releaser: ended[releaser].code)
        assert ended[winner].statuses == NEW
        failed(ended[loser], f"{scenario_pair.repository}:1", "--overwrite", code=4)
        assert re.search(r"\b60 s\b", ended[loser].err)
    assert scenario_pair.whole("1", "latest") == _pushed(ended[winner])
    assert scenario_pair.lock_is_free()


def test_waiting_with_the_same_content(scenario: PublishScenario) -> None:
    """A release that waits for another one with the same content is ok."""
    with registry_proxy(scenario.registry.host, WHOLE_PUSH) as proxy:
        scenario.log_in(proxy.host)
        processes = {name: scenario.start(proxy.host, "--lock-wait", "60") for name in ("one", "other")}

        ended = _ended(scenario, processes)

        assert {done.code for done in ended.values()} == {0}
        assert sorted(done.document["status"] for done in ended.values()) == ["changed", "ok"]
        assert proxy.count("PUT", "/manifests/1$") == 1
    assert scenario.whole("1", "latest") == _pushed(ended["one"])
    assert len(scenario.ledger()) == 1


def _pushed(done: Done) -> str:
    """Return the digest that a release reports as pushed."""
    return str(json.loads(done.out)["steps"][-1]["after"])
