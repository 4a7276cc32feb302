"""Registries that refuse fail at once without a retry, and the password is not shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.publish_scenario import AGAIN, NEW, NOT_BEGUN, PublishScenario, attempts
from tests.servers.registries import Kind, TestRegistry, TlsRegistry
from tests.servers.registry_proxy import Response, registry_proxy

pytestmark = pytest.mark.engine
# With the detail that Docker Hub sends: without it, an engine up to 20.10 retries for 50 seconds.
DENIED = json.dumps(
    {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied", "detail": "push"}]}
).encode()


def test_credentials(scenario: PublishScenario) -> None:
    """Without a login, with a wrong password, and without the right to push the cause is told at once."""
    denied = Response(method="POST", status=403, body=DENIED, headers={"Content-Type": "application/json"})
    with registry_proxy(scenario.registry.host, denied) as proxy:
        login = f"invoke login --user NAME --registry {proxy.host}"
        scenario.fails(proxy.host, login, cause="denied", steps=NOT_BEGUN)
        assert proxy.count(status=401) == proxy.count() == 2  # one asks for the tag, one for the cause

        config = scenario.log_in(proxy.host, f"{scenario.registry.password}-old")
        login = "invoke login --user alice"
        scenario.fails(proxy.host, "alice", str(config), login, cause="denied", steps=NOT_BEGUN)
        assert proxy.count(status=401) == proxy.count() == 6  # each of the two without the password, and with it

        scenario.log_in(proxy.host)
        done = scenario.fails(proxy.host, "alice", scenario.repository, login, cause="denied")
        assert attempts(done) == 1
        assert (proxy.count("POST"), proxy.count("PUT|PATCH")) == (1, 0)
        assert scenario.held() == {}
        assert scenario.lock_is_free()

        proxy.faults = ()
        assert scenario.go(proxy.host).statuses == AGAIN
    scenario.whole("1", "latest")


def test_read_only(scenario: PublishScenario, read_only_registry: TestRegistry) -> None:
    """A read-only registry has a cause of its own, and its answer is shown without a parser's complaint."""
    reader = replace(scenario, registry=read_only_registry)
    with registry_proxy(read_only_registry.host) as proxy:
        done = reader.fails(proxy.host, cause="registry-read-only")

        assert attempts(done) == 1
        assert "method not allowed" in done.all.lower()
        assert "invalid character" not in done.all
        assert proxy.count("POST", status=405) in (1, 5), "once, or as often as newer engines retry"
    assert reader.held() == {}


def test_certificate(scenario: PublishScenario, tls_registry: Callable[[Kind], TlsRegistry]) -> None:
    """For an untrusted certificate, the hint is where to put its authority, never an insecure registry."""
    registry = tls_registry("good")
    scenario = replace(scenario, registry=registry)

    where = f"/etc/docker/certs.d/{registry.host}/ca.crt"
    words = ("unable to get local issuer", where)
    done = scenario.fails(registry.host, *words, cause="certificate", steps=NOT_BEGUN)
    assert attempts(done, "preflight") == 1
    assert "insecure" not in done.all
    assert scenario.held() == {}

    with registry.trusted():
        done = scenario.go(registry.host)
    assert done.statuses == NEW, done.all
    assert scenario.whole("1", "latest") in done.out
