"""preflight: in memory; on a fresh machine with a real registry, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from tests.steps.run_steps import go, released, statuses
from tests.steps.scenario import ALSO_DOCKER, StepScenario

PULLED = ["changed", "ok", "changed", "changed", "ok"]
"""The statuses of a release whose image is published but not in the engine: not built and not pushed."""


def elsewhere(scenario: StepScenario) -> StepScenario:
    """Return the scenario on a machine that has neither the image nor the state."""
    if image := scenario.image_id(scenario.local()):
        scenario.backend.remove_image(image)
    return replace(scenario, state=StateFolder(scenario.state.folder.parent / "machine"))


@pytest.fixture
def without_base(scenario: StepScenario) -> tuple[StepScenario, str, str]:
    """A fresh machine, the version's digest, and its base image, which only the registry has."""
    base = f"{scenario.backend.host}/{scenario.app.project}/base:1"
    scenario.backend.publish(f"{scenario.app.project}/base", "1")
    dockerfile = scenario.app.context / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace(scenario.backend.base, base))
    digest = released(scenario, "1")
    scenario = elsewhere(scenario)
    scenario.backend.remove_image(scenario.image_id(base) or "")
    return scenario, digest, base


def test_nothing_to_do(scenario: StepScenario) -> None:
    """A version that is not published, or is from the same inputs and in the engine, is fine: nothing is changed."""
    for version in (None, "1"):
        digest = released(scenario, version) if version else None
        before = scenario.seen()
        for outcome in (scenario.check(scenario.preflight()), scenario.real(scenario.preflight())):
            assert outcome.status is Status.OK
            assert outcome.before == outcome.after == digest
        assert scenario.seen() == before


@ALSO_DOCKER
def test_a_fresh_machine(scenario: StepScenario) -> None:
    """An image published from the same inputs is pulled by its digest, and becomes the version's image."""
    digest = released(scenario, "1")
    scenario = elsewhere(scenario)

    done = scenario.four_runs(scenario.preflight())

    assert (done.before, done.after) == (None, digest)
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")


def test_a_release_on_a_fresh_machine(scenario: StepScenario) -> None:
    """There a published image is tested and tagged, but neither built nor pushed: the digests stay."""
    released(scenario, "1")
    published = scenario.backend.published(scenario.repository)
    scenario = elsewhere(scenario)
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


def test_no_cache(scenario: StepScenario) -> None:
    """With `no_cache` nothing is pulled: the push finds out whether the new image is the same."""
    digest = released(scenario, "1")
    scenario = elsewhere(scenario)
    target = scenario.app.but(build=scenario.app.build.but(cache=False))
    before = scenario.seen()

    outcome = scenario.real(replace(scenario.preflight(), target=target))

    assert (outcome.status, outcome.after) == (Status.OK, digest)
    assert scenario.seen() == before


def test_a_missing_base_image(without_base: tuple[StepScenario, str, str]) -> None:
    """A missing base image is pulled first, since it is one of the inputs, and then the published image.

    Check mode does not predict a conflict that it cannot know.
    """
    scenario, digest, base = without_base
    assert statuses(go(scenario, scenario.release(), check=True)) == PULLED

    done = scenario.four_runs(scenario.preflight())

    assert done.after == digest
    assert scenario.image_id(base)
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")
