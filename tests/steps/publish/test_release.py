"""The whole road, as `release` goes it: on the twins and for real."""

from __future__ import annotations

from seatrial.pipeline.step import Status
from seatrial.pipeline.world import NOT_BUILT
from seatrial.steps.publish.publication import short
from tests.steps.road import go, statuses
from tests.steps.stage import Stage

NEW = ["ok", *["changed"] * 4]
"""How the steps come out where nothing is yet: the preflight finds nothing against it."""


def test_four_runs(stage: Stage) -> None:
    """Check mode foresees the whole road where nothing is yet, and touches nothing; then it is gone once."""
    before = stage.seen()
    foretold = go(stage, stage.release(), check=True)
    assert stage.seen() == before
    assert statuses(foretold) == NEW

    done = go(stage, stage.release(), check=False)
    assert statuses(done) == NEW, done.failure
    assert [one.reason for one in done.outcomes] == [one.reason for one in foretold.outcomes]
    assert stage.image_id(stage.local()) in stage.ground.held(stage.home, "1")
    assert sorted(stage.ground.published(stage.home)) == ["1", "latest"]
    assert stage.ground.containers() == frozenset()

    held = stage.seen()
    for check in (True, False):
        again = go(stage, stage.release(), check=check)
        assert statuses(again) == ["ok"] * 5
        assert again.exit_code == 0
        assert stage.seen() == held


def test_the_next_version(stage: Stage) -> None:
    """Check mode foresees the next version of a changed app, too."""
    go(stage, stage.release("1"), check=False)
    stage.say("hello again")
    before = stage.seen()

    foretold = go(stage, stage.release("2"), check=True)
    assert stage.seen() == before
    done = go(stage, stage.release("2"), check=False)

    assert statuses(foretold) == statuses(done) == NEW
    image = short(stage.image_id(stage.local("2")) or "")
    assert [one.reason for one in done.outcomes] == [one.reason.replace(NOT_BUILT, image) for one in foretold.outcomes]


def test_a_published_version_with_other_content(stage: Stage) -> None:
    """A changed app cannot go out under a published version: that is told before anything is built; exit code 4."""
    go(stage, stage.release(), check=False)
    published = stage.ground.published(stage.home)
    stage.say("hello again")

    foretold = go(stage, stage.release(), check=True)
    done = go(stage, stage.release(), check=False)

    assert statuses(foretold) == statuses(done) == ["failed", *["skipped"] * 4]
    assert done.failure
    assert done.failure.why.endswith("made from other inputs: changed: app.py")
    assert foretold.exit_code == done.exit_code == 4
    assert stage.ground.published(stage.home) == published


def test_nothing_goes_out_that_fails(stage: Stage) -> None:
    """An app that fails its checks is neither tagged nor pushed: the rest of the road is skipped."""
    stage.say("goodbye")

    report = go(stage, stage.release(), check=False)

    assert statuses(report) == ["ok", "changed", "failed", "skipped", "skipped"]
    assert [one.reason for one in report.outcomes[3:]] == ["smoke failed", "smoke failed"]
    assert (report.status, report.exit_code) == (Status.FAILED, 1)
    assert stage.image_id(stage.remote()) is None
    assert stage.ground.published(stage.home) == {}


def test_run_and_stop_behind_a_build(stage: Stage) -> None:
    """`build run` foresees the image that is not built yet."""
    steps = (stage.build(), stage.serve())
    before = stage.seen()

    assert statuses(go(stage, steps, check=True)) == ["changed", "changed"]
    assert stage.seen() == before
    assert statuses(go(stage, steps, check=False)) == ["changed", "changed"]
    assert statuses(go(stage, steps, check=False)) == ["ok", "ok"]
    assert statuses(go(stage, [stage.stop()], check=False)) == ["changed"]
    assert stage.served() is None
