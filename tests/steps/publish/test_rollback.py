"""rollback: the moving tags go back to a published version, without a build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from tests.steps.run_steps import go, released, statuses, without_moving
from tests.steps.scenario import StepScenario

LINE = ("1.4", "1", "latest")
"""The tags that move with 1.4.1 and 1.4.2."""


def two(scenario: StepScenario) -> tuple[str, str]:
    """Release 1.4.1 and 1.4.2, and return their digests."""
    return released(scenario, "1.4.1"), released(scenario, "1.4.2", "hello again")


def test_four_runs(scenario: StepScenario, tmp_path: Path) -> None:
    """The moving tags point back to the version's digest; neither images nor the state folder are needed for it."""
    older, newer = two(scenario)
    for image, _ in scenario.backend.images():
        scenario.backend.remove_image(image)
    scenario = replace(scenario, state=StateFolder(tmp_path / "machine"))

    done = scenario.four_runs(scenario.rollback("1.4.1"))

    assert scenario.backend.published(scenario.repository) == {"1.4.2": newer} | dict.fromkeys(("1.4.1", *LINE), older)
    assert (done.before, done.after) == (newer, older)
    tags = {one.reference.rpartition(":")[2]: (one.before, one.version_before) for one in done.results.published}
    assert tags == {"1.4.1": (older, None)} | dict.fromkeys(LINE, (newer, "1.4.2"))
    assert scenario.backend.images() == frozenset()


def test_forward_again(scenario: StepScenario) -> None:
    """A rollback is recorded; a release of the newer version moves the tags forward again, and pushes nothing else."""
    older = released(scenario, "1.4.1")
    newer = released(scenario, "1.4.2", "hello again", tested=True)
    for _ in range(2):
        scenario.prepare(scenario.rollback("1.4.1"))
    first, _, entry = scenario.world.ledger.entries()
    assert (entry.action, entry.app, entry.version, entry.builder) == ("rollback", "web", "1.4.1", first.builder)
    assert (entry.digests, entry.before) == (dict.fromkeys(LINE, older), dict.fromkeys(LINE, newer))

    done = go(scenario, scenario.release("1.4.2"), check=False)

    assert statuses(done) == ["ok", "ok", "ok", "ok", "changed"]
    assert done.outcomes[-1].before == older
    assert scenario.backend.published(scenario.repository) == {"1.4.1": older} | dict.fromkeys(("1.4.2", *LINE), newer)
    entry = scenario.world.ledger.entries()[-1]
    assert (entry.action, dict(entry.digests)) == ("release", dict.fromkeys(LINE, newer))


@pytest.mark.parametrize(
    ("before", "to", "moved"),
    [
        pytest.param("1.3.9", "1.4.1", LINE, id="another line is left alone"),
        pytest.param("1.3.9", "1.3.9", ("1", "latest"), id="back to another line"),
        pytest.param("1", "1.4.1", ("1.4", "latest"), id="a version of its own"),
    ],
)
def test_lines(scenario: StepScenario, before: str, to: str, moved: tuple[str, ...]) -> None:
    """The tags that the version shares with the newest one move back, and no other."""
    released(scenario, before)
    two(scenario)
    published = scenario.backend.published(scenario.repository)

    scenario.four_runs(scenario.rollback(to))

    assert scenario.backend.published(scenario.repository) == {**published, **dict.fromkeys(moved, published[to])}


def test_a_missing_moving_tag(scenario: StepScenario) -> None:
    """A missing moving tag is created."""
    digest = released(scenario, "1.4.1")
    scenario = replace(scenario, app=scenario.app.but(tags=(*scenario.app.tags, "stable")))

    done = scenario.four_runs(scenario.rollback("1.4.1"))

    assert scenario.backend.published(scenario.repository)["stable"] == digest
    assert (done.before, done.after) == (None, digest)
    assert scenario.world.ledger.entries()[-1].before == {}


def test_a_tag_that_cannot_be_moved(scenario: StepScenario) -> None:
    """The moved tags are recorded, the others are an error, and the next run moves only these."""
    older, newer = two(scenario)

    outcome = without_moving(scenario, scenario.rollback("1.4.1"), {"latest"})

    assert (outcome.status, outcome.error and outcome.error.exit_code) == (Status.FAILED, 1)
    published = scenario.backend.published(scenario.repository)
    assert (published["1.4"], published["1"], published["latest"]) == (older, older, newer)
    assert dict(scenario.world.ledger.entries()[-1].digests) == {"1.4": older, "1": older}

    again = scenario.real(scenario.rollback("1.4.1"))

    assert (again.status, again.before, again.after) == (Status.CHANGED, newer, older)
    assert dict(scenario.world.ledger.entries()[-1].digests) == {"latest": older}
