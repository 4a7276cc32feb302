"""What a service has besides image and replicas: compared by name, and without secrets; in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from seatrial.errors import UsageError
from seatrial.model.deployment import PublishedPort
from seatrial.pipeline.outcome import Status
from tests.steps.deploy.swarm import deployed, spec_of, swarm_of, with_swarm
from tests.steps.run_steps import refused
from tests.steps.scenario import StepScenario


def test_other_options(scenario: StepScenario) -> None:
    """Each option that differs is named; values of the environment are not shown."""
    deployed(scenario, "1")
    app = scenario.app.but(environment={"MODE": "hidden"}, memory=256 * 1024 * 1024)

    done = scenario.four_runs(replace(scenario.deploy(monitor=0.01, delay=1), target=app.but(deploy=app.deploy)))

    assert [one.name for one in done.diff] == ["environment MODE", "memory", "monitor"]
    assert "hidden" not in f"{done.diff} {done}"


def test_what_a_service_has_besides(scenario: StepScenario) -> None:
    """Ports, labels, log and reservations are compared, each by name; what the settings no longer say goes again."""
    deployed(scenario, "1")
    before, swarm = spec_of(scenario), swarm_of(scenario)
    by_others = structs.replace(before, labels={**before.labels, "theirs": "1"})
    swarm._services[before.name] = structs.replace(swarm._services[before.name], spec=by_others)
    port = PublishedPort(target=9000, published=9001, protocol="udp", mode="host")
    more: dict[str, Any] = {
        "ports": (port,),
        "labels": {"team": "shop"},
        "container_labels": {"kind": "page"},
        "log_driver": "json-file",
        "log_options": {"max-size": "1m"},
        "reserved_memory": 16 * 1024**2,
        "reserved_cpus": 0.25,
    }

    done = scenario.four_runs(scenario.deploy(monitor=0.01, **more))

    assert {one.name: one.after for one in done.diff} == {
        "label team": "shop",
        f"port {port.published}/udp": "9000 (host)",
        "reserved memory": "16.8 MB",
        "reserved cpus": "0.25",
        "order": "stop-first",
        "container label kind": "page",
        "log driver": "json-file",
        "log option max-size": "1m",
    }
    assert scenario.served("/version") == "1"  # the port of the app itself
    scenario.four_runs(scenario.deploy(monitor=0.01))
    assert spec_of(scenario) == by_others


@pytest.mark.parametrize("options", [{"log_options": {"splunk-token": "Sentinel"}}, {"labels": {"token": "Sentinel"}}])
def test_secrets_in_labels_and_log_options(scenario: StepScenario, options: dict[str, Any]) -> None:
    """What docker service inspect would show is refused, but for what the settings allow, and never shown."""
    deployed(scenario, "1")
    error = refused(scenario, scenario.deploy(**options))
    assert (error.cause, "Sentinel" in f"{error} {error.hint}") == ("secret-in-service", False)
    allowed = tuple(name for values in options.values() for name in values)
    done = scenario.real(scenario.deploy(monitor=0.01, allow_in_service=allowed, **options))
    assert (done.status, [one.after for one in done.diff]) == (Status.CHANGED, ["***"])


def test_a_port_that_is_published_twice(scenario: StepScenario) -> None:
    """It is refused before anything is done; one port may speak TCP and UDP."""
    deployed(scenario, "1")
    own = PublishedPort(target=9000, published=scenario.app.host_port)
    assert isinstance(refused(scenario, scenario.deploy(ports=(own,))), UsageError)
    assert scenario.check(scenario.deploy(ports=(own.but(protocol="udp"),))).status is Status.CHANGED


@pytest.mark.parametrize(("name", "allowed"), [("DB_PASSWORD", False), ("DB_PASSWORD", True), ("MODE", False)])
def test_secrets_in_the_environment(scenario: StepScenario, name: str, *, allowed: bool) -> None:
    """A variable that looks like a secret would be shown by docker service inspect, and is refused."""
    with_swarm(scenario, "1")
    app = scenario.app.but(environment={name: "Sentinel"})
    step = replace(
        scenario.deploy(), target=app.but(deploy=app.deploy.but(monitor=0.01, allow_in_service=(name,) * allowed))
    )

    if allowed or name == "MODE":
        assert scenario.real(step).status is Status.CHANGED
        return
    error = refused(scenario, step)
    assert isinstance(error, UsageError)
    assert (error.exit_code, "Sentinel" in f"{error} {error.hint}") == (2, False)
