"""status: what runs in the swarm, and what the ledger knows about deployments."""

from __future__ import annotations

from seatrial.output.service_status import deployment_documents, service_document, service_lines
from seatrial.steps.deploy.scale import Scale
from seatrial.steps.deploy.undeploy import Undeploy
from tests.steps.deploy.swarm import deployed, swarm_of
from tests.steps.scenario import StepScenario


def test_what_serves_and_who_deployed_it(scenario: StepScenario) -> None:
    """Service and last deployment have the same digest; when the service is gone, the ledger knows that, too."""
    deployed(scenario, "1")
    digest, world, app = scenario.backend.published(scenario.repository)["1"], scenario.world, scenario.app

    (service, _), (last,) = service_document(world, app), deployment_documents(world.ledger.newest_first(), app)

    assert service
    assert (service.image.partition("@")[2], service.serving) == (digest, 1)
    assert (last.action, last.version, last.digest, last.service) == ("deploy", "1", digest, service.name)
    assert len([*service_lines(service, "", [last])]) == 2
    scenario.prepare(Scale(target=app, replicas=2), Undeploy(target=app))
    assert service_document(world, app) == (None, "")
    assert [one.action for one in deployment_documents(world.ledger.newest_first(), app)] == [
        "undeploy",
        "scale",
        "deploy",
    ]


def test_only_our_own(scenario: StepScenario) -> None:
    """What another environment deployed is not shown, not even a service of its that has our name.

    Without a manager the service is not known.
    """
    deployed(scenario, "1")
    staging, swarm = scenario.app.but(settings_environment="staging"), swarm_of(scenario)
    swarm._services[staging.container_name] = swarm._services[scenario.app.container_name]

    assert service_document(scenario.world, staging) == (None, "")
    assert deployment_documents(scenario.world.ledger.newest_first(), staging) == ()
    swarm.manages = False
    service, unknown = service_document(scenario.world, scenario.app)
    last = deployment_documents(scenario.world.ledger.newest_first(), scenario.app)
    assert (service, unknown in "".join(service_lines(None, unknown, last))) == (None, True)
