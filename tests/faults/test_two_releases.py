"""Two releases of the same version at the same time: one goes, the other waits or is told whom it would wait for."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli_project import Done, failed
from tests.faults.shipment import NEW, Shipment
from tests.servers.registry_proxy import Delay, RegistryProxy, registry_proxy

pytestmark = pytest.mark.engine
ROUNDS = 3
_DOCKERFILE = """\
FROM scratch
COPY chance /
ARG CAPTAIN=nobody
LABEL captain=$CAPTAIN
"""
WHOLE_PUSH = Delay(method="POST", seconds=0.6)


@pytest.fixture
def fleet(shipment: Shipment) -> Shipment:
    """A shipment whose content depends on --build-arg CAPTAIN."""
    (shipment.project.folder / "Dockerfile").write_text(_DOCKERFILE)
    return shipment


def _ended(fleet: Shipment, processes: dict[str, subprocess.Popen[str]]) -> dict[str, Done]:
    """Wait for releases and give how each ended."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return dict(zip(processes, pool.map(fleet.end, processes.values()), strict=True))


def _start(fleet: Shipment, proxy: RegistryProxy, version: str, *more: str) -> dict[str, subprocess.Popen[str]]:
    """Start two releases of other content each."""
    return {
        captain: fleet.start(proxy.host, "--build-arg", f"CAPTAIN={captain}", *more, version=version)
        for captain in ("ahab", "bligh")
    }


def test_one_wins(fleet: Shipment) -> None:
    """One goes out whole; the other is exit code 4 with the process, the time and the version it came too late for."""
    with registry_proxy(fleet.registry.host, WHOLE_PUSH) as proxy:
        fleet.log_in(proxy.host)
        for number in range(ROUNDS):
            version = f"1.{number}"
            processes = _start(fleet, proxy, version)
            ended = _ended(fleet, processes)

            winner, loser = sorted(ended, key=lambda captain: ended[captain].code)
            assert (ended[winner].code, ended[winner].statuses) == (0, NEW), ended[winner].all
            pid = processes[winner].pid
            failed(ended[loser], "is under way", f"process {pid}", f"of version {version}", "--lock-wait", code=4)
            assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", ended[loser].err)
            assert set(ended[loser].statuses.values()) == {"skipped"}
            assert fleet.held()[version] == fleet.held()["latest"] == _pushed(ended[winner])
            assert fleet.lock_is_free()
    assert len(fleet.ledger()) == ROUNDS


def test_waiting_with_other_content(fleet: Shipment) -> None:
    """Who waits for another release finds the version published, and is told so; nothing is overwritten."""
    with registry_proxy(fleet.registry.host, WHOLE_PUSH) as proxy:
        fleet.log_in(proxy.host)

        ended = _ended(fleet, _start(fleet, proxy, "1", "--lock-wait", "60"))

        winner, loser = sorted(ended, key=lambda captain: ended[captain].code)
        assert ended[winner].statuses == NEW
        failed(ended[loser], "waiting up to 60 s", "is published with other content", code=4)
    assert fleet.whole("1", "latest") == _pushed(ended[winner])
    assert fleet.lock_is_free()


def test_waiting_with_the_same_content(shipment: Shipment) -> None:
    """Who waits for another release of the same content finds all done."""
    with registry_proxy(shipment.registry.host, WHOLE_PUSH) as proxy:
        shipment.log_in(proxy.host)
        processes = {name: shipment.start(proxy.host, "--lock-wait", "60") for name in ("one", "other")}

        ended = _ended(shipment, processes)

        assert {done.code for done in ended.values()} == {0}
        assert sorted(done.document["status"] for done in ended.values()) == ["changed", "ok"]
        assert proxy.count("PUT", "/manifests/1$") == 1
    assert shipment.whole("1", "latest") == _pushed(ended["one"])
    assert len(shipment.ledger()) == 1


def _pushed(done: Done) -> str:
    """Give the digest that a release says it has pushed."""
    return str(json.loads(done.out)["steps"][-1]["after"])
