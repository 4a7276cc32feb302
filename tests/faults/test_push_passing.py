"""What may pass is tried again, as often as it makes sense and not once more."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from seatrial.cli.playbook import Guard, Playbook
from seatrial.cli.session import open_world
from seatrial.errors import RateLimited
from seatrial.pipeline.retry import Patience
from seatrial.pipeline.step import Status, converge
from seatrial.settings.settings import Settings
from tests.faults.shipment import NEW, Shipment, attempts
from tests.servers.registry_proxy import Answer, RegistryFault, refusal, registry_proxy

pytestmark = pytest.mark.engine
BUSY = refusal(429, "TOOMANYREQUESTS", "slow down", method="POST", headers={"Retry-After": "1"})


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=500),
        Answer(status=502, body=b"<html>bad gateway</html>\n", headers={"Content-Type": "text/html"}),
        refusal(503, "UNAVAILABLE", "service unavailable"),
    ],
    ids=["500", "502", "503"],
)
def test_once_at_the_manifest(shipment: Shipment, fault: RegistryFault) -> None:
    """A manifest that the registry could not take once is sent again, and the layers are not."""
    once = replace(fault, method="PUT", path="/manifests/1$", times=1)
    with registry_proxy(shipment.registry.host, once) as proxy:
        shipment.log_in(proxy.host)

        done = shipment.go(proxy.host)

        assert done.statuses == NEW, done.all
        assert attempts(done) == 2
        assert "try 2 of 3" in done.err
        assert proxy.count("PUT", "/manifests/1$") == 2
        assert proxy.count("PATCH") == 2, "a layer and the configuration"
    assert shipment.whole("1", "latest") in done.out


def test_rate_limit_for_ever(shipment: Shipment) -> None:
    """A rate limit that does not end is waited for in 5, 15 and 45 seconds, and is exit code 3 then."""
    with registry_proxy(shipment.registry.host, BUSY) as proxy:
        shipment.log_in(proxy.host)
        assert shipment.project.invoke("build", "--version", "1").code == 0
        where = {"user": shipment.user, "registry": proxy.host, "version": "1"}
        assert shipment.project.invoke("tag", *(f"--{name}={value}" for name, value in where.items())).code == 0
        folder, waits = shipment.project.folder, list[float]()
        raw = yaml.safe_load((folder / "invoke.yaml").read_text())["seatrial"]
        steps = Playbook(settings=Settings.load(raw, folder)).push(app=None, guard=Guard(untested=True), **where)
        world = replace(open_world(folder / ".seatrial"), patience=Patience(sleep=waits.append))

        outcome, _ = converge(steps[0], world, check=False, tell=lambda _: None)

        assert outcome.status is Status.FAILED
        assert isinstance(outcome.error, RateLimited), outcome.error
        assert (outcome.error.exit_code, outcome.error.cause) == (3, "rate-limit")
        assert outcome.attempts == 4
        assert len(waits) == 3
        assert all(least <= seconds <= 1.1 * least for least, seconds in zip((5, 15, 45), waits, strict=True)), waits
        assert proxy.count("POST") == 4
    assert shipment.held() == {}
