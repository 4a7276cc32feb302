"""Registries that refuse fail at once without a retry, and the password is not shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests import skopeo
from tests.cli_project import failed
from tests.faults.publish_scenario import AGAIN, NEW, NOT_BEGUN, PublishScenario, attempts
from tests.servers.registries import Kind, TestRegistry, TlsRegistry
from tests.servers.registry_proxy import Response, registry_proxy

pytestmark = pytest.mark.engine
SENDING = "POST|PATCH|PUT"
# With the detail that Docker Hub sends: without it, an engine up to 20.10 retries for 50 seconds.
DENIED = json.dumps(
    {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied", "detail": "push"}]}
).encode()


def test_no_credentials(scenario: PublishScenario) -> None:
    """Without a login the release fails before anything is built, with the command to log in; then it works."""
    with registry_proxy(scenario.registry.host) as proxy:
        done = scenario.fails(
            proxy.host, f"invoke login --user NAME --registry {proxy.host}", cause="denied", steps=NOT_BEGUN
        )

        assert attempts(done, "preflight") == 1
        assert proxy.count() == 1
        assert scenario.held() == {}
        scenario.log_in(proxy.host)
        assert scenario.go(proxy.host).statuses == NEW
    scenario.whole("1", "latest")


def test_wrong_password(scenario: PublishScenario) -> None:
    """A wrong password fails with the user and the file that has it; then the right one works."""
    with registry_proxy(scenario.registry.host) as proxy:
        config = scenario.log_in(proxy.host, f"{scenario.registry.password}-old")

        done = scenario.fails(
            proxy.host, "alice", str(config), "invoke login --user alice", cause="denied", steps=NOT_BEGUN
        )

        assert attempts(done, "preflight") == 1
        assert proxy.count(status=401) == proxy.count() == 2
        assert scenario.held() == {}
        scenario.log_in(proxy.host)
        assert scenario.go(proxy.host).statuses == NEW
    scenario.whole("1", "latest")


def test_denied(scenario: PublishScenario) -> None:
    """A repository without permission to push fails when the first layer is refused, without a retry."""
    denied = Response(method="POST", status=403, body=DENIED, headers={"Content-Type": "application/json"})
    with registry_proxy(scenario.registry.host, denied) as proxy:
        scenario.log_in(proxy.host)

        done = scenario.fails(proxy.host, "alice", scenario.repository, "invoke login --user alice", cause="denied")

        assert attempts(done) == 1
        assert proxy.count("POST") == 1
        assert proxy.count("PUT|PATCH") == 0
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
        assert "parsing" not in done.all
        assert "invalid character" not in done.all
        assert proxy.count("POST", status=405) in (1, 5), "once, or as often as newer engines retry"
    assert reader.held() == {}


@pytest.mark.parametrize(("kind", "words"), [("good", "unable to get local issuer"), ("expired", "expired")])
def test_certificates(
    scenario: PublishScenario, tls_registry: Callable[[Kind], TlsRegistry], kind: Kind, words: str
) -> None:
    """For an untrusted certificate, the hint is where to put its authority, never an insecure registry."""
    registry = tls_registry(kind)
    other_registry = replace(scenario, registry=registry)

    def refused() -> None:
        where = f"/etc/docker/certs.d/{registry.host}/ca.crt"
        done = other_registry.fails(registry.host, words, where, cause="certificate", steps=NOT_BEGUN)
        assert attempts(done, "preflight") == 1
        assert "insecure" not in done.all

    if kind == "good":
        refused()
        assert other_registry.held() == {}
        with registry.trusted():
            done = other_registry.go(registry.host)
        assert done.statuses == NEW, done.all
        assert other_registry.whole("1", "latest") in done.out
    else:
        with registry.trusted():
            refused()


def test_other_content(scenario: PublishScenario) -> None:
    """Other content under a published version fails before anything is built; nothing is sent or changed."""
    with registry_proxy(scenario.registry.host) as proxy:
        scenario.log_in(proxy.host)
        assert scenario.go(proxy.host).code == 0
        before = scenario.whole("1", "latest")
        scenario.load()
        proxy.forget()

        scenario.fails(proxy.host, before, "--version", "--overwrite", code=4, steps=NOT_BEGUN)

        assert scenario.project.invoke("build", "--version", "1").code == 0
        tag = ["--user", scenario.user, "--registry", proxy.host, "--version", "1"]
        assert scenario.project.invoke("tag", *tag).code == 0
        pushed = scenario.go(proxy.host, command="push")
        failed(pushed, before, "--overwrite", code=4)
        assert scenario.go(proxy.host, "--check").code == 4
        assert proxy.count(SENDING) == 0
        assert scenario.held() == {"1": before, "latest": before}
        assert scenario.go(proxy.host, version="2").code == 0
    assert skopeo.digest(scenario.registry, scenario.repository, "1") == before
