"""preflight: in memory and on the real engine, with a real registry."""

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

PULLED = ["changed", "ok", "changed", "changed", "ok"]
"""The statuses of a release whose image is published but not in the engine: not built and not pushed."""


@pytest.fixture
def machine(tmp_path: Path) -> StateFolder:
    """The state folder of a machine that has done nothing yet."""
    return StateFolder(tmp_path / "machine" / "notes")


def elsewhere(scenario: StepScenario, state: StateFolder) -> StepScenario:
    """Return the scenario on a machine that has neither the image nor the state."""
    if image := scenario.image_id(scenario.local()):
        scenario.backend.remove_image(image)
    return replace(scenario, state=state)


def on_a_published_base(scenario: StepScenario) -> str:
    """Base the app on an image that only the registry holds, and return its name."""
    base = f"{scenario.backend.host}/{scenario.app.project}/base:1"
    scenario.backend.publish(f"{scenario.app.project}/base", "1")
    dockerfile = scenario.app.context / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace(scenario.backend.base, base))
    return base


def refused(scenario: StepScenario, step: Preflight) -> Outcome:
    """Return the outcome of a step that fails in check mode and in the real run, and changes nothing."""
    before = scenario.seen()
    check, real = scenario.check(step), scenario.real(step)
    assert scenario.seen() == before
    assert (check.status, check.message) == (real.status, real.message)
    assert real.status is Status.FAILED
    return real


def test_nothing_is_published(scenario: StepScenario) -> None:
    """A version that is not published is fine, and nothing is changed."""
    before = scenario.seen()

    for outcome in (scenario.check(scenario.preflight()), scenario.real(scenario.preflight())):
        assert outcome.status is Status.OK
        assert scenario.remote() in outcome.message
        assert outcome.after is None
    assert scenario.seen() == before


def test_published_and_here(scenario: StepScenario) -> None:
    """A version that is published from the same inputs and is in the engine is fine."""
    digest = released(scenario, "1")

    for outcome in (scenario.check(scenario.preflight()), scenario.real(scenario.preflight())):
        assert outcome.status is Status.OK
        assert outcome.before == outcome.after == digest


def test_four_runs_on_a_fresh_machine(scenario: StepScenario, machine: StateFolder) -> None:
    """An image published from the same inputs is pulled by its digest, and becomes the version's image."""
    digest = released(scenario, "1")
    published = scenario.backend.published(scenario.repository)
    scenario = elsewhere(scenario, machine)

    done = scenario.four_runs(scenario.preflight())

    assert (done.before, done.after) == (None, digest)
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")
    assert scenario.backend.published(scenario.repository) == published


def test_a_release_on_a_fresh_machine(scenario: StepScenario, machine: StateFolder) -> None:
    """A published image is tested and tagged there, but neither built nor pushed: the digests stay."""
    released(scenario, "1")
    published = scenario.backend.published(scenario.repository)
    scenario = elsewhere(scenario, machine)
    before = scenario.seen()

    planned = go(scenario, scenario.release(), check=True)
    assert scenario.seen() == before
    done = go(scenario, scenario.release(), check=False)

    assert statuses(planned) == statuses(done) == PULLED, done.failure
    assert scenario.backend.published(scenario.repository) == published
    (entry,) = scenario.world.ledger.entries()
    assert (entry.action, entry.digests) == ("found", published)
    assert statuses(go(scenario, scenario.release(), check=False)) == ["ok"] * 5


def test_another_build_of_the_same_inputs(scenario: StepScenario) -> None:
    """The published image replaces another image that was built from the same inputs."""
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
    """With `no_cache` nothing is pulled: the push finds out whether the new image is the same."""
    digest = released(scenario, "1")
    scenario = elsewhere(scenario, machine)
    target = replace(scenario.app, build=replace(scenario.app.build, no_cache=True))
    before = scenario.seen()

    outcome = scenario.real(replace(scenario.preflight(), target=target))

    assert (outcome.status, outcome.after) == (Status.OK, digest)
    assert scenario.seen() == before


def test_other_inputs(scenario: StepScenario) -> None:
    """A version that is published from other inputs is a conflict, which names the changed file."""
    digest = released(scenario, "1")
    scenario.set_reply("hello again")

    outcome = refused(scenario, scenario.preflight())

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.exit_code == 4
    assert digest in outcome.error.reason
    assert "app.py" in outcome.error.reason
    assert "--overwrite" in outcome.error.hint


def test_other_inputs_on_a_fresh_machine(scenario: StepScenario, machine: StateFolder) -> None:
    """Where the published version's inputs are not known, the conflict does not name the file."""
    digest = released(scenario, "1")
    scenario.set_reply("hello again")
    scenario = elsewhere(scenario, machine)

    outcome = refused(scenario, scenario.preflight())

    assert isinstance(outcome.error, Conflict)
    assert digest in outcome.error.reason
    assert "app.py" not in outcome.error.reason


def test_overwrite(scenario: StepScenario) -> None:
    """With `overwrite` other content under the version is not a conflict, and nothing is pulled."""
    digest = released(scenario, "1")
    scenario.set_reply("hello again")
    before = scenario.seen()

    outcome = scenario.real(scenario.preflight(overwrite=True))

    assert (outcome.status, outcome.after) == (Status.OK, digest)
    assert "--overwrite" in outcome.message
    assert scenario.seen() == before


def test_somebody_elses(scenario: StepScenario) -> None:
    """An image under the version's tag that Seatrial did not build is a conflict, and is not pulled."""
    digest = scenario.backend.publish(scenario.repository, "1")

    outcome = refused(scenario, scenario.preflight())

    assert isinstance(outcome.error, Conflict)
    assert digest in outcome.error.reason


def test_a_moving_tag(scenario: StepScenario) -> None:
    """A version named like another version's moving tag is a conflict, which names that version."""
    digest = released(scenario, "1.4.2")

    outcome = refused(scenario, scenario.preflight("1.4"))

    assert isinstance(outcome.error, Conflict)
    assert digest in outcome.error.reason
    assert "1.4.2" in outcome.error.reason


def test_without_credentials(guarded_scenario: StepScenario) -> None:
    """A missing login is reported before anything is built, with the command to type."""
    outcome = refused(guarded_scenario, guarded_scenario.preflight())

    assert isinstance(outcome.error, PushRefused)
    assert outcome.error.exit_code == 1
    assert outcome.error.hint.startswith("invoke login --user ")


def test_wrong_credentials(guarded_scenario: StepScenario) -> None:
    """A wrong password is reported before anything is built, and not shown."""
    guarded_scenario.backend.save_login("alice", "S3ntinel-wrong")

    outcome = refused(guarded_scenario, guarded_scenario.preflight())

    assert isinstance(outcome.error, PushRefused)
    assert "alice" in str(outcome.error)
    assert "S3ntinel" not in f"{outcome.error} {outcome.error.hint} {outcome.error.details}"


def test_right_credentials(guarded_scenario: StepScenario, machine: StateFolder) -> None:
    """With the saved password the registry can be read, and the image pulled on a fresh machine."""
    assert guarded_scenario.backend.login
    guarded_scenario.backend.save_login(*guarded_scenario.backend.login)
    assert guarded_scenario.real(guarded_scenario.preflight()).status is Status.OK
    digest = released(guarded_scenario, "1")
    scenario = elsewhere(guarded_scenario, machine)

    assert scenario.four_runs(scenario.preflight()).after == digest


def test_a_registry_out_of_reach(scenario: StepScenario) -> None:
    """A registry that does not answer is exit code 3, and nothing is changed."""
    away = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")
    before = scenario.seen()

    report = go(scenario, [replace(scenario.preflight(), destination=away), *scenario.release()[1:]], check=False)

    assert isinstance(report.failure, RegistryUnavailable)
    assert report.exit_code == 3
    assert statuses(report) == ["failed", *["skipped"] * 4]
    assert scenario.seen() == before


def test_a_registry_out_of_reach_in_check_mode(scenario: StepScenario) -> None:
    """In check mode the steps that need an unreachable registry are unknown, the others are planned: exit code 3."""
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


def test_a_missing_base_image(scenario: StepScenario, machine: StateFolder) -> None:
    """A missing base image is pulled first, since it is one of the inputs, and then the published image."""
    base = on_a_published_base(scenario)
    digest = released(scenario, "1")
    scenario = elsewhere(scenario, machine)
    scenario.backend.remove_image(scenario.image_id(base) or "")

    assert base in scenario.check(scenario.preflight()).message
    done = scenario.four_runs(scenario.preflight())

    assert done.after == digest
    assert scenario.image_id(base)
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")


def test_check_mode_without_the_base_image(scenario: StepScenario, machine: StateFolder) -> None:
    """Without the base image check mode does not predict a conflict that it cannot know."""
    base = on_a_published_base(scenario)
    released(scenario, "1")
    scenario = elsewhere(scenario, machine)
    scenario.backend.remove_image(scenario.image_id(base) or "")

    planned = go(scenario, scenario.release(), check=True)
    done = go(scenario, scenario.release(), check=False)

    assert statuses(done) == PULLED
    assert statuses(planned) == PULLED, planned.failure
