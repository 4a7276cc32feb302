"""A service's spec in the engine's words, and back."""

from __future__ import annotations

import pytest

from seatrial.engine.docker.service_body import service_body, service_spec
from seatrial.engine.swarm import ServiceSpec
from seatrial.model.deployment import NO_HEALTH_CHECK, PublishedPort


@pytest.mark.parametrize("command", [(), ("/check", "a b"), NO_HEALTH_CHECK])
def test_there_and_back(command: tuple[str, ...]) -> None:
    """What the engine keeps of a spec is the same spec, so that a second deployment finds nothing to change."""
    spec = ServiceSpec(
        name="shop-web",
        image="registry.test/web:1@sha256:1",
        environment={"A": "1=2"},
        labels={"seatrial.app": "web", "team": "shop"},
        container_labels={"team": "page"},
        ports=(
            PublishedPort(target=5000, published=80, mode="host"),
            PublishedPort(target=5001, published=80, protocol="udp"),
        ),
        memory=64,
        cpus=0.5,
        pids=20,
        reserved_memory=32,
        reserved_cpus=0.25,
        constraints=("node.role == worker",),
        log_driver="json-file",
        log_options={"max-size": "10m"},
        secrets={"password_2": "password"},
        configs={"app": "/etc/app.conf"},
        health_command=command,
        health_interval=90,
        health_timeout=0.5,
        health_start_period=1,
        health_retries=3,
    )
    ids = {("secret", "password_2"): "s1", ("config", "app"): "c1"}

    body = service_body(spec, ids, {"HTTP_PROXY": "http://proxy"})

    assert service_spec(body, {}, {"HTTP_PROXY": "http://proxy"}) == spec
