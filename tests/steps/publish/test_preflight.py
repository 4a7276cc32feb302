"""preflight: on the twin and on the real engine, with a real registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.errors import Conflict, PushRefused, RegistryUnavailable
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.state import StateFolder
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.preflight import Preflight
from tests.steps.run_steps import go, released, statuses
from tests.steps.scenario import StepScenario

FETCHED = ["changed", "ok", "changed", "changed", "ok"]
"""How a release comes out where the image is published and not here: not built and not pushed."""


@pytest.fixture
def machine(tmp_path: Path) -> StateFolder:
    """The notes of a machine that has done nothing yet."""
    return StateFolder(tmp_path / "machine" / "notes")


def elsewhere(scenario: StepScenario, state: StateFolder) -> StepScenario:
    """Return the stage on a machine that has neither image nor notes."""
    if image := scenario.image_id(scenario.local()):
        scenario.backend.remove_image(image)
    return replace(scenario, state=state)


def on_a_published_base(scenario: StepScenario) -> str:
    """Let the app start from an image that only the registry holds; give its name."""
    base = f"{scenario.backend.host}/{scenario.app.project}/base:1"
    scenario.backend.publish(f"{scenario.app.project}/base", "1")
    dockerfile = scenario.app.context / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace(scenario.backend.base, base))
    return base


def refused(scenario: StepScenario, step: Preflight) -> Outcome:
    """Return how a step comes out that fails in check mode as in the real run, and touches nothing."""
    before = scenario.seen()
    check, real = scenario.check(step), scenario.real(step)
    assert scenario.seen() == before
    assert (check.status, check.reason) == (real.status, real.reason)
    assert real.status is Status.FAILED
    return real


def test_nothing_is_published(scenario: StepScenario) -> None:
    """Where nothing is published there is nothing against it, and nothing is touched."""
    before = scenario.seen()

    for outcome in (scenario.check(scenario.preflight()), scenario.real(scenario.preflight())):
        assert outcome.status is Status.OK
        assert outcome.reason == f"{scenario.remote()} is not published yet"
    assert scenario.seen() == before


def test_published_and_here(scenario: StepScenario) -> None:
    """What is published from these inputs and here is fine, and the digest is what the step gives."""
    digest = released(scenario, "1")

    for outcome in (scenario.check(scenario.preflight()), scenario.real(scenario.preflight())):
        assert outcome.status is Status.OK
        assert outcome.reason == f"{scenario.remote()} is published, made from these inputs"
        assert outcome.before == outcome.after == digest


def test_four_runs_on_a_fresh_machine(scenario: StepScenario, machine: StateFolder) -> None:
    """What is published from these inputs and not here is fetched by its digest, and becomes the version's image."""
    digest = released(scenario, "1")
    published = scenario.backend.published(scenario.repository)
    scenario = elsewhere(scenario, machine)

    done = scenario.four_runs(scenario.preflight())

    assert done.reason == f"{scenario.remote()} is published, made from these inputs: it is fetched, not built again"
    assert (done.before, done.after) == (None, digest)
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")
    assert scenario.backend.published(scenario.repository) == published


def test_a_release_on_a_fresh_machine(scenario: StepScenario, machine: StateFolder) -> None:
    """What is published already is smoked and tagged there, but not built and not pushed: the digests stay."""
    released(scenario, "1")
    published = scenario.backend.published(scenario.repository)
    scenario = elsewhere(scenario, machine)
    before = scenario.seen()

    foretold = go(scenario, scenario.release(), check=True)
    assert scenario.seen() == before
    done = go(scenario, scenario.release(), check=False)

    assert statuses(foretold) == statuses(done) == FETCHED, done.failure
    assert scenario.backend.published(scenario.repository) == published
    (entry,) = scenario.world.ledger.entries()
    assert (entry.action, entry.digests) == ("found", published)
    assert statuses(go(scenario, scenario.release(), check=False)) == ["ok"] * 5


def test_another_build_of_the_same_inputs(scenario: StepScenario) -> None:
    """An image here that is made from the same inputs and is not the published one gives way to it."""
    digest = released(scenario, "1", tested=True)
    published = scenario.image_id(scenario.local())
    scenario.backend.put_image(scenario.local(), {**scenario.backend.labels(scenario.local()), "built": "elsewhere"})
    another = scenario.image_id(scenario.local())

    done = scenario.four_runs(scenario.preflight())

    assert another != published
    assert (done.before, done.after) == (another, digest)
    assert scenario.image_id(scenario.local()) == published
    assert statuses(go(scenario, scenario.release(), check=False)) == ["ok"] * 5


def test_no_cache(scenario: StepScenario, machine: StateFolder) -> None:
    """Whoever builds anew without the cache gets nothing fetched: the push will tell whether it is the same."""
    digest = released(scenario, "1")
    scenario = elsewhere(scenario, machine)
    refresh = replace(scenario.app, build=replace(scenario.app.build, no_cache=True))
    before = scenario.seen()

    outcome = scenario.real(replace(scenario.preflight(), target=refresh))

    assert (outcome.status, outcome.after) == (Status.OK, digest)
    assert scenario.seen() == before


def test_other_inputs(scenario: StepScenario) -> None:
    """A version that is published from other inputs is a conflict, exit code 4, that names the changed file."""
    digest = released(scenario, "1")
    scenario.set_reply("hello again")

    outcome = refused(scenario, scenario.preflight())

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.exit_code == 4
    assert outcome.reason == f"{scenario.remote()} is published with other content"
    assert outcome.error.reason == f"the registry holds {digest}, made from other inputs: changed: app.py"
    assert "--overwrite" in outcome.error.hint


def test_other_inputs_on_a_fresh_machine(scenario: StepScenario, machine: StateFolder) -> None:
    """Where nobody remembers what the published version was made from, it is a conflict without the file's name."""
    digest = released(scenario, "1")
    scenario.set_reply("hello again")
    scenario = elsewhere(scenario, machine)

    outcome = refused(scenario, scenario.preflight())

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.reason == f"the registry holds {digest}, made from other inputs"


def test_overwrite(scenario: StepScenario) -> None:
    """With `overwrite` other content under the version is no conflict; nothing is fetched, and the reason says it."""
    digest = released(scenario, "1")
    scenario.set_reply("hello again")
    before = scenario.seen()

    outcome = scenario.real(scenario.preflight(overwrite=True))

    assert (outcome.status, outcome.after) == (Status.OK, digest)
    assert "--overwrite" in outcome.reason
    assert scenario.seen() == before


def test_somebody_elses(scenario: StepScenario) -> None:
    """An image under the version's name that Seatrial did not build is a conflict, and is not fetched."""
    digest = scenario.backend.publish(scenario.repository, "1")

    outcome = refused(scenario, scenario.preflight())

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.reason == f"the registry holds {digest}, which Seatrial did not build"


def test_a_moving_tag(scenario: StepScenario) -> None:
    """A version whose name another version's moving tag has is a conflict that says so."""
    digest = released(scenario, "1.4.2")

    outcome = refused(scenario, scenario.preflight("1.4"))

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.reason.startswith(f"the registry holds {digest}, ")
    assert "1.4.2" in outcome.error.reason


def test_without_credentials(guarded_scenario: StepScenario) -> None:
    """A registry that wants to know who we are is told before anything is built, with what to type."""
    outcome = refused(guarded_scenario, guarded_scenario.preflight())

    assert isinstance(outcome.error, PushRefused)
    assert outcome.error.exit_code == 1
    assert outcome.error.hint.startswith("invoke login --user ")


def test_wrong_credentials(guarded_scenario: StepScenario) -> None:
    """A password that the registry does not take is told before anything is built, and not shown."""
    guarded_scenario.backend.save_login("alice", "S3ntinel-wrong")

    outcome = refused(guarded_scenario, guarded_scenario.preflight())

    assert isinstance(outcome.error, PushRefused)
    assert "alice" in str(outcome.error)
    assert "S3ntinel" not in f"{outcome.error} {outcome.error.hint} {outcome.error.details}"


def test_right_credentials(guarded_scenario: StepScenario, machine: StateFolder) -> None:
    """With the kept password the guarded registry is asked, and fetched from on a fresh machine."""
    assert guarded_scenario.backend.login
    guarded_scenario.backend.save_login(*guarded_scenario.backend.login)
    assert guarded_scenario.real(guarded_scenario.preflight()).status is Status.OK
    digest = released(guarded_scenario, "1")
    scenario = elsewhere(guarded_scenario, machine)

    assert scenario.four_runs(scenario.preflight()).after == digest


def test_a_registry_out_of_reach(scenario: StepScenario) -> None:
    """A registry that does not answer is exit code 3, and nothing is begun."""
    away = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")
    before = scenario.seen()

    report = go(scenario, [replace(scenario.preflight(), destination=away), *scenario.release()[1:]], check=False)

    assert isinstance(report.failure, RegistryUnavailable)
    assert report.exit_code == 3
    assert statuses(report) == ["failed", *["skipped"] * 4]
    assert scenario.seen() == before


def test_a_registry_out_of_reach_in_check_mode(scenario: StepScenario) -> None:
    """Check mode does not guess what a registry out of reach holds, and tells all the rest: exit code 3."""
    away = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")
    before = scenario.seen()
    steps = (
        replace(scenario.preflight(), destination=away),
        scenario.build(),
        scenario.smoke(),
        replace(scenario.tag(), destination=away),
        replace(scenario.push(), destination=away),
    )

    report = go(scenario, steps, check=True)

    assert statuses(report) == ["unknown", "changed", "changed", "changed", "unknown"]
    assert (report.status, report.exit_code) == (Status.UNKNOWN, 3)
    assert scenario.seen() == before


def test_a_base_image_that_is_not_here_yet(scenario: StepScenario, machine: StateFolder) -> None:
    """Whether the inputs are the same only the base image tells: it is fetched first, and the published image then."""
    base = on_a_published_base(scenario)
    digest = released(scenario, "1")
    scenario = elsewhere(scenario, machine)
    scenario.backend.remove_image(scenario.image_id(base) or "")

    done = scenario.four_runs(scenario.preflight())

    assert base in done.reason
    assert done.after == digest
    assert scenario.image_id(base)
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")


def test_check_mode_without_the_base_image(scenario: StepScenario, machine: StateFolder) -> None:
    """Where the base image is not here, check mode does not foretell a conflict that nobody can know of."""
    base = on_a_published_base(scenario)
    released(scenario, "1")
    scenario = elsewhere(scenario, machine)
    scenario.backend.remove_image(scenario.image_id(base) or "")

    foretold = go(scenario, scenario.release(), check=True)
    done = go(scenario, scenario.release(), check=False)

    assert statuses(done) == FETCHED
    assert statuses(foretold) == FETCHED, foretold.failure
