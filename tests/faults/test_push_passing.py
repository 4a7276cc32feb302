"""What may pass is tried again, as often as it makes sense and not once more."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from seatrial.cli.playbook import Playbook, PushOverrides
from seatrial.cli.session import open_world
from seatrial.errors import RateLimited
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.retry import RetryPolicy
from seatrial.settings.settings import Settings
from tests.faults.publish_scenario import NEW, PublishScenario, attempts
from tests.servers.registry_proxy import RegistryFault, Response, refusal, registry_proxy

pytestmark = pytest.mark.engine
BUSY = refusal(429, "TOOMANYREQUESTS", "slow down", method="POST", headers={"Retry-After": "1"})


@pytest.mark.parametrize(
    "fault",
    [
        Response(status=500),
        Response(status=502, body=b"<html>bad gateway</html>\n", headers={"Content-Type": "text/html"}),
        refusal(503, "UNAVAILABLE", "service unavailable"),
    ],
    ids=["500", "502", "503"],
)
def test_once_at_the_manifest(scenario: PublishScenario, fault: RegistryFault) -> None:
    """A manifest that the registry could not take once is sent again, and the layers are not."""
    once = replace(fault, method="PUT", path="/manifests/1$", times=1)
    with registry_proxy(scenario.registry.host, once) as proxy:
        scenario.log_in(proxy.host)

        done = scenario.go(proxy.host)

        assert done.statuses == NEW, done.all
        assert attempts(done) == 2
        assert "try 2 of 3" in done.err
        assert proxy.count("PUT", "/manifests/1$") == 2
        assert proxy.count("PATCH") == 2, "a layer and the configuration"
    assert scenario.whole("1", "latest") in done.out


def test_rate_limit_for_ever(scenario: PublishScenario) -> None:
    """A rate limit that does not end is waited for in 5, 15 and 45 seconds, and is exit code 3 then."""
    with registry_proxy(scenario.registry.host, BUSY) as proxy:
        scenario.log_in(proxy.host)
        assert scenario.project.invoke("build", "--version", "1").code == 0
        where = {"user": scenario.user, "registry": proxy.host, "version": "1"}
        assert scenario.project.invoke("tag", *(f"--{name}={value}" for name, value in where.items())).code == 0
        folder, waits = scenario.project.folder, list[float]()
        raw = yaml.safe_load((folder / "invoke.yaml").read_text())["seatrial"]
        steps = Playbook(settings=Settings.load(raw, folder)).push(
            app=None, overrides=PushOverrides(untested=True), **where
        )
        world = replace(open_world(folder / ".seatrial"), retry_policy=RetryPolicy(sleep=waits.append))

        outcome, _ = converge(steps[0], world, check=False, emit=lambda _: None)

        assert outcome.status is Status.FAILED
        assert isinstance(outcome.error, RateLimited), outcome.error
        assert (outcome.error.exit_code, outcome.error.cause) == (3, "rate-limit")
        assert outcome.attempts == 4
        assert len(waits) == 3
        assert all(least <= seconds <= 1.1 * least for least, seconds in zip((5, 15, 45), waits, strict=True)), waits
        assert proxy.count("POST") == 4
    assert scenario.held() == {}
