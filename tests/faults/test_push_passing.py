"""Transient errors are retried, as often as the retry policy says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml

from seatrial.cli.flags import ImageFlags, PushFlags, RegistryFlags
from seatrial.cli.playbook import Playbook
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
    """A manifest that the registry refuses once is sent again; the layers are not."""
    once = replace(fault, method="PUT", path="/manifests/1$", times=1)
    with registry_proxy(scenario.registry.host, once) as proxy:
        scenario.log_in(proxy.host)

        done = scenario.go(proxy.host)

        assert done.statuses == NEW, done.all
        assert attempts(done) == 2
        assert re.search(r"\b2 of 3\b", done.err)
        assert proxy.count("PUT", "/manifests/1$") == 2
        assert proxy.count("PATCH") == 2, "a layer and the configuration"
    assert scenario.whole("1", "latest") in done.out


def test_an_endless_rate_limit(scenario: PublishScenario) -> None:
    """A rate limit that does not end is retried after 5, 15 and 45 seconds, then fails with exit code 3."""
    with registry_proxy(scenario.registry.host, BUSY) as proxy:
        scenario.log_in(proxy.host)
        assert scenario.project.invoke("build", "--version", "1").code == 0
        where = {"user": scenario.user, "registry": proxy.host, "version": "1"}
        assert scenario.project.invoke("tag", *(f"--{name}={value}" for name, value in where.items())).code == 0
        folder, waits = scenario.project.folder, list[float]()
        raw = yaml.safe_load((folder / "invoke.yaml").read_text())["seatrial"]
        steps = Playbook(settings=Settings.load(raw, folder)).push(
            ImageFlags(version="1"),
            RegistryFlags(user=scenario.user, registry=proxy.host),
            PushFlags(untested=True),
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
