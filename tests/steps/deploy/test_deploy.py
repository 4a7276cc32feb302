"""deploy: the service runs the published image by its digest, or goes on as it was; in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from seatrial.engine.swarm import NotAManager, Task
from seatrial.errors import Conflict, ContainerFailed, SmokeFailed, StepFailed
from seatrial.events import Waiting
from seatrial.model.app import VERSION_LABEL
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from seatrial.steps.deploy.back import DeployRollback
from seatrial.steps.deploy.scale import Scale
from seatrial.steps.deploy.undeploy import Undeploy
from tests.steps.deploy.swarm import deployed, spec_of, swarm_of, with_swarm
from tests.steps.run_steps import refused, released
from tests.steps.scenario import StepScenario


def test_four_runs(scenario: StepScenario) -> None:
    """The service runs the digest that the registry has, with the app's limits, and answers its checks."""
    with_swarm(scenario, "1")

    done = scenario.four_runs(scenario.deploy(replicas=2, monitor=0.01))

    digest = scenario.backend.published(scenario.repository)["1"]
    service = swarm_of(scenario).service(scenario.app.container_name)
    assert service
    assert (service.spec.image, service.spec.replicas) == (f"{scenario.remote()}@{digest}", 2)
    assert (service.spec.memory, service.spec.pids) == (scenario.app.memory, scenario.app.pids)
    assert service.spec.labels.items() >= {**scenario.app.labels, VERSION_LABEL: "1"}.items()
    assert (done.before, done.after) == (None, digest)
    assert scenario.served("/version") == "1"
    assert swarm_of(scenario).updates == [f"create {service.spec.image}"]
    entry = scenario.world.ledger.entries()[-1]
    assert (entry.action, entry.service, entry.replicas, dict(entry.digests)) == (
        "deploy",
        scenario.app.container_name,
        2,
        {"1": digest},
    )
    assert entry.verdict


def test_an_update(scenario: StepScenario) -> None:
    """Another version replaces the image and nothing else; the service keeps the replicas that it has."""
    with_swarm(scenario, "1", "2")
    scenario.prepare(scenario.deploy(replicas=2, monitor=0.01))

    done = scenario.four_runs(scenario.deploy("2", monitor=0.01))

    published = scenario.backend.published(scenario.repository)
    assert (done.before, done.after) == (published["1"], published["2"])
    assert [one.name for one in done.diff] == ["image"]
    service = swarm_of(scenario).service(scenario.app.container_name)
    assert service
    assert service.spec.replicas == 2
    assert scenario.served("/version") == "2"


def test_only_what_was_tested(scenario: StepScenario, tmp_path: Path) -> None:
    """A digest that neither a verdict nor the ledger knows is deployed only on request, with a warning."""
    with_swarm(scenario, "1")
    elsewhere = replace(scenario, state=StateFolder(tmp_path / "another machine"))

    error = refused(elsewhere, elsewhere.deploy())

    assert (error.cause, error.exit_code) == ("untested", 1)
    done = elsewhere.real(elsewhere.deploy(untested=True, monitor=0.01))
    assert (done.status, len(done.warnings)) == (Status.CHANGED, 2)  # the other one is about the health check
    assert elsewhere.world.ledger.entries()[-1].verdict is None


def test_a_version_that_crashes(scenario: StepScenario) -> None:
    """Swarm goes back to the version before, which serves; the error has the cause, and the ledger no entry."""
    deployed(scenario, "1")
    released(scenario, "2", "crash")
    before = scenario.world.ledger.entries()

    done = scenario.real(scenario.deploy("2", monitor=0.01))

    assert isinstance(done.error, ContainerFailed)
    assert "startup failed" in "\n".join(done.error.details)
    assert scenario.served("/version") == "1"
    assert scenario.world.ledger.entries() == before


def test_a_first_version_that_crashes(scenario: StepScenario) -> None:
    """A new service whose container ends is removed."""
    with_swarm(scenario)
    released(scenario, "1", "crash")

    done = scenario.real(scenario.deploy(monitor=0.01))

    assert isinstance(done.error, ContainerFailed)
    assert swarm_of(scenario).service(scenario.app.container_name) is None


@pytest.mark.parametrize("state", ["failed", "rejected", "complete"])
def test_a_container_that_ends_by_itself(state: str) -> None:
    """It has failed, also with exit code 0: a service goes on running until Swarm ends it."""
    assert Task(id="t", state=state).failed
    assert not Task(id="t", state="shutdown", wanted="shutdown").failed


def test_a_version_with_a_wrong_answer(scenario: StepScenario) -> None:
    """What only the checks notice is taken back, too."""
    deployed(scenario, "1")
    released(scenario, "2", "good bye")

    done = scenario.real(scenario.deploy("2", monitor=0.01))

    assert isinstance(done.error, SmokeFailed)
    assert done.error.cause == "wrong-answer"
    assert swarm_of(scenario).updates[-1].startswith("roll back to")
    assert scenario.served("/version") == "1"


def test_checks_that_cannot_reach_the_app(scenario: StepScenario) -> None:
    """Where no request of ours can arrive, no version would pass: nothing is changed."""
    deployed(scenario, "1", "2")
    before = list(swarm_of(scenario).updates)

    error = refused(scenario, scenario.deploy("1", url="http://[::2]"))  # no route leads there

    assert (error.cause, error.exit_code) == ("port-unreachable", 3)
    assert swarm_of(scenario).updates == before


def test_an_engine_without_a_swarm(scenario: StepScenario) -> None:
    """A swarm is not made behind the user's back."""
    released(scenario, "1", tested=True)

    assert isinstance(refused(scenario, scenario.deploy()), NotAManager)
    assert not swarm_of(scenario).manages


def test_a_service_of_somebody_else(scenario: StepScenario) -> None:
    """A service with the app's name that is not the app's is left alone."""
    deployed(scenario, "1")
    swarm = swarm_of(scenario)
    name = scenario.app.container_name
    swarm._services[name] = structs.replace(swarm._services[name], spec=structs.replace(spec_of(scenario), labels={}))

    for step in (scenario.deploy(), DeployRollback(target=scenario.app), Undeploy(target=scenario.app)):
        assert refused(scenario, step).cause == "name-taken"


def test_somebody_else_updates_meanwhile(scenario: StepScenario) -> None:
    """What was changed after the plan is not overwritten."""
    deployed(scenario, "1", "2")
    step = scenario.deploy("1", monitor=0.01)
    plan = step.plan(scenario.world)
    scenario.prepare(Scale(target=scenario.app, replicas=3))

    with pytest.raises(Conflict):
        step.apply(scenario.world, plan, lambda _: None)  # type: ignore[arg-type]
    assert spec_of(scenario).replicas == 3


def test_somebody_else_updates_during_the_rollout(scenario: StepScenario) -> None:
    """What somebody else made of the service is neither taken back nor recorded, also if the checks fail."""
    deployed(scenario, "1")
    released(scenario, "2", "good bye")
    swarm, entries = swarm_of(scenario), scenario.world.ledger.entries()
    theirs = structs.replace(spec_of(scenario), constraints=("node.role == worker",))

    def interfere(event: object) -> None:
        now = swarm.service(theirs.name)
        if isinstance(event, Waiting) and now and not now.spec.constraints:
            swarm.update(now, theirs, None)

    step = scenario.deploy("2", monitor=0.01)
    with pytest.raises(Conflict) as caught:
        step.apply(scenario.world, step.plan(scenario.world), interfere)  # type: ignore[arg-type]
    assert (caught.value.cause, caught.value.exit_code) == ("service-changed", 4)
    assert (spec_of(scenario), scenario.world.ledger.entries()) == (theirs, entries)


def test_a_secret_that_is_missing(scenario: StepScenario) -> None:
    """A secret of the swarm is named in the settings; one that is not there is an error, also in check mode."""
    with_swarm(scenario, "1")

    assert isinstance(refused(scenario, scenario.deploy(secrets=("db",))), StepFailed)
    swarm_of(scenario).things.add("db")
    scenario.prepare(scenario.deploy(secrets=("db",), monitor=0.01))
    assert spec_of(scenario).secrets == {"db": "db"}


def test_what_an_ended_run_left(scenario: StepScenario) -> None:
    """What converged after its run had ended is recorded by the next run, which changes nothing else."""
    deployed(scenario, "1")
    ledger = scenario.world.ledger.path
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-1]))
    before = list(swarm_of(scenario).updates)

    done = scenario.real(scenario.deploy(monitor=0.01))

    assert (done.status, scenario.world.ledger.entries()[-1].action) == (Status.OK, "deploy")
    assert swarm_of(scenario).updates == before


def test_a_service_that_has_lost_a_replica(scenario: StepScenario) -> None:
    """A deployment that only waits for what is missing leaves the service as it is when that does not come."""
    deployed(scenario, "1", "2")
    swarm = swarm_of(scenario)
    name = scenario.app.container_name
    swarm._tasks[name] = [structs.replace(one, state="failed") for one in swarm._tasks[name]]
    before, spec = list(swarm.updates), spec_of(scenario)

    done = scenario.real(scenario.deploy("2", monitor=0.01, timeout=0.3))

    assert done.error
    assert done.error.cause == "rollout-timeout"
    assert (swarm.updates, spec_of(scenario)) == (before, spec)


def test_back(scenario: StepScenario) -> None:
    """The service runs again what it ran before its last update; a second time nothing happens."""
    deployed(scenario, "1", "2")
    published = scenario.backend.published(scenario.repository)

    done = scenario.four_runs(DeployRollback(target=scenario.app))

    assert (done.before, done.after) == (published["2"], published["1"])
    assert scenario.served("/version") == "1"
    entry = scenario.world.ledger.entries()[-1]
    assert (entry.action, entry.service, dict(entry.digests)) == (
        "deploy",
        scenario.app.container_name,
        {"1": published["1"]},
    )


def test_no_way_back(scenario: StepScenario) -> None:
    """A service that was never updated, or only scaled, has no other image to go back to."""
    deployed(scenario, "1")
    assert refused(scenario, DeployRollback(target=scenario.app)).cause == "nothing-before"
    scenario.prepare(Scale(target=scenario.app, replicas=2))
    assert refused(scenario, DeployRollback(target=scenario.app)).cause == "nothing-before"


def test_scale_and_undeploy(scenario: StepScenario) -> None:
    """The number of replicas changes and nothing else; in the end there is no service, and nothing listens."""
    deployed(scenario, "1")
    before = spec_of(scenario)

    scenario.four_runs(Scale(target=scenario.app, replicas=3))

    assert spec_of(scenario) == structs.replace(before, replicas=3)
    entry = scenario.world.ledger.entries()[-1]
    assert (entry.action, entry.replicas, dict(entry.digests)) == ("scale", 3, {"1": before.digest})
    scenario.four_runs(Undeploy(target=scenario.app))
    assert swarm_of(scenario).service(scenario.app.container_name) is None
    assert scenario.served() is None
    entry = scenario.world.ledger.entries()[-1]
    assert (entry.action, entry.service, dict(entry.digests)) == ("undeploy", before.name, {"1": before.digest})
