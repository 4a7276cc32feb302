"""manifest: a published version for Kubernetes; in memory."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import yaml
from lightkube.models.apps_v1 import Deployment
from lightkube.models.core_v1 import Service

from seatrial.errors import StepFailed, UsageError
from seatrial.model.app import App, Check
from seatrial.model.deployment import PublishedPort
from seatrial.model.version import Version
from seatrial.output.manifest import show_manifest
from tests.steps.run_steps import released
from tests.steps.scenario import StepScenario


def manifests(scenario: StepScenario, app: App, replicas: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the Deployment and the Service of version 1 as their YAML says."""
    destination, version = scenario.destination, Version("1")
    text, warning = show_manifest(scenario.world, app, destination, version, replicas=replicas, untested=False)
    assert not warning
    assert "&id" not in text
    deployment, service = yaml.safe_load_all(text)
    return deployment, service


def test_every_field(scenario: StepScenario) -> None:
    """Kubernetes' schema has each field that is written, with this type, and none that it requires is missing."""
    released(scenario, "1", tested=True)
    app = scenario.app.but(environment={"MODE": "x"}, cpus=0.5, tmpfs=("/run/page",), volumes={"data": "/data"})
    settings = app.deploy.but(secrets=("key",), configs={"app_conf": "/etc/page.conf"}, health_interval=2.5)
    ports = (PublishedPort(target=53, published=53, protocol="udp"), PublishedPort(target=app.port, published=1))
    settings = settings.but(ports=ports, labels={"a[0]/b": "x"}, container_labels={"c": ""}, reserved_cpus=0.1)
    with_command = settings.but(health_command=("true",), health_retries=3)
    no_request = app.but(checks=(Check(headers={"X-Key": "1"}),))

    for one in (app, no_request.but(deploy=settings), app.but(deploy=with_command)):
        for document, model in zip(manifests(scenario, one, 2), (Deployment, Service), strict=True):
            read = msgspec.convert(document, model, strict=True)
            # What the schema does not have is lost on the way; so is what says nothing.
            assert msgspec.to_builtins(read) == document


def test_a_version(scenario: StepScenario) -> None:
    """The Deployment runs the published digest without rights, within the app's limits; the Service finds its pods."""
    released(scenario, "1", tested=True)

    deployment, service = manifests(scenario, scenario.app, 2)

    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    digest = scenario.backend.published(scenario.repository)["1"]
    assert container["image"] == f"{scenario.remote().rpartition(':')[0]}@{digest}"
    assert deployment["spec"]["replicas"] == 2
    assert container["resources"]["limits"] == {"memory": str(scenario.app.memory)}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert "annotations" not in pod["metadata"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/", "port": "http", "scheme": "HTTP"}
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["port"] == scenario.app.host_port
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["spec"]["volumes"]}


def test_what_a_service_has_besides(scenario: StepScenario) -> None:
    """Reservations are requests, labels annotations; each port has a name, and leads into the container by one."""
    released(scenario, "1", tested=True)
    other = PublishedPort(target=9000, published=90, protocol="udp")
    settings = {"ports": (other, other.but(published=91)), "labels": {"a.b/c[0]": "1"}, "container_labels": {"d": "2"}}
    deploy = scenario.app.deploy.but(reserved_memory=16 * 1024**2, reserved_cpus=0.25, **settings)

    deployment, service = manifests(scenario, scenario.app.but(deploy=deploy))

    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["requests"] == {"memory": str(16 * 1024**2), "cpu": "250m"}
    assert [one["metadata"]["annotations"] for one in (deployment, pod)] == [{"a.b-c-0-": "1"}, {"d": "2"}]
    named = {one["name"]: (one["containerPort"], one["protocol"]) for one in container["ports"]}
    assert named == {"http": (scenario.app.port, "TCP"), "udp-9000": (9000, "UDP")}
    published = [(one["name"], one["port"], named[one["targetPort"]]) for one in service["spec"]["ports"]]
    own = ("http", scenario.app.host_port, named["http"])
    assert published == [own, ("udp-90", 90, (9000, "UDP")), ("udp-91", 91, (9000, "UDP"))]


def test_no_secret_is_written(scenario: StepScenario) -> None:
    """A secret is mounted by its name; a check with a header is not put by a probe; a variable with one is refused."""
    released(scenario, "1", tested=True)
    secret_check = Check(headers={"Authorization": "Sentinel"})
    app = scenario.app.but(
        checks=(secret_check, *scenario.app.checks), deploy=scenario.app.deploy.but(secrets=("db_password",))
    )

    deployment, _ = manifests(scenario, app)

    assert "Sentinel" not in str(deployment)
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert {"name": "secret-db-password", "secret": {"secretName": "db-password"}} in volumes
    with pytest.raises(UsageError):
        manifests(scenario, app.but(environment={"DB_PASSWORD": "Sentinel"}))


def test_only_what_is_published(scenario: StepScenario) -> None:
    """A version that is not published has no digest."""
    with pytest.raises(StepFailed):
        manifests(scenario, scenario.app)
