"""The whole road, as `release` goes it: on the twins and for real."""

from __future__ import annotations

from seatrial.pipeline.outcome import Status
from seatrial.pipeline.world import NOT_BUILT
from seatrial.steps.publish.publication import short_digest
from tests.steps.run_steps import go, statuses
from tests.steps.scenario import StepScenario

NEW = ["ok", *["changed"] * 4]
"""How the steps come out where nothing is yet: the preflight finds nothing against it."""


def test_four_runs(scenario: StepScenario) -> None:
    """Check mode foresees the whole road where nothing is yet, and touches nothing; then it is gone once."""
    before = scenario.seen()
    foretold = go(scenario, scenario.release(), check=True)
    assert scenario.seen() == before
    assert statuses(foretold) == NEW

    done = go(scenario, scenario.release(), check=False)
    assert statuses(done) == NEW, done.failure
    assert [one.reason for one in done.outcomes] == [one.reason for one in foretold.outcomes]
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")
    assert sorted(scenario.backend.published(scenario.repository)) == ["1", "latest"]
    assert scenario.backend.containers() == frozenset()

    held = scenario.seen()
    for check in (True, False):
        again = go(scenario, scenario.release(), check=check)
        assert statuses(again) == ["ok"] * 5
        assert again.exit_code == 0
        assert scenario.seen() == held


def test_the_next_version(scenario: StepScenario) -> None:
    """Check mode foresees the next version of a changed app, too."""
    go(scenario, scenario.release("1"), check=False)
    scenario.set_reply("hello again")
    before = scenario.seen()

    foretold = go(scenario, scenario.release("2"), check=True)
    assert scenario.seen() == before
    done = go(scenario, scenario.release("2"), check=False)

    assert statuses(foretold) == statuses(done) == NEW
    image = short_digest(scenario.image_id(scenario.local("2")) or "")
    assert [one.reason for one in done.outcomes] == [one.reason.replace(NOT_BUILT, image) for one in foretold.outcomes]


def test_a_published_version_with_other_content(scenario: StepScenario) -> None:
    """A changed app cannot go out under a published version: that is told before anything is built; exit code 4."""
    go(scenario, scenario.release(), check=False)
    published = scenario.backend.published(scenario.repository)
    scenario.set_reply("hello again")

    foretold = go(scenario, scenario.release(), check=True)
    done = go(scenario, scenario.release(), check=False)

    assert statuses(foretold) == statuses(done) == ["failed", *["skipped"] * 4]
    assert done.failure
    assert done.failure.reason.endswith("made from other inputs: changed: app.py")
    assert foretold.exit_code == done.exit_code == 4
    assert scenario.backend.published(scenario.repository) == published


def test_nothing_goes_out_that_fails(scenario: StepScenario) -> None:
    """An app that fails its checks is neither tagged nor pushed: the rest of the road is skipped."""
    scenario.set_reply("goodbye")

    report = go(scenario, scenario.release(), check=False)

    assert statuses(report) == ["ok", "changed", "failed", "skipped", "skipped"]
    assert [one.reason for one in report.outcomes[3:]] == ["smoke failed", "smoke failed"]
    assert (report.status, report.exit_code) == (Status.FAILED, 1)
    assert scenario.image_id(scenario.remote()) is None
    assert scenario.backend.published(scenario.repository) == {}


def test_run_and_stop_behind_a_build(scenario: StepScenario) -> None:
    """`build run` foresees the image that is not built yet."""
    steps = (scenario.build(), scenario.serve())
    before = scenario.seen()

    assert statuses(go(scenario, steps, check=True)) == ["changed", "changed"]
    assert scenario.seen() == before
    assert statuses(go(scenario, steps, check=False)) == ["changed", "changed"]
    assert statuses(go(scenario, steps, check=False)) == ["ok", "ok"]
    assert statuses(go(scenario, [scenario.stop()], check=False)) == ["changed"]
    assert scenario.served() is None
