"""All steps of a release together."""

from __future__ import annotations

import re

from seatrial.pipeline.outcome import Status
from seatrial.pipeline.report import Report
from tests.steps.run_steps import go, statuses
from tests.steps.scenario import StepScenario

NEW = ["ok", *["changed"] * 4]
"""The statuses of a first release: the preflight finds no problem."""


def references(report: Report) -> list[str]:
    """Return the image references that the messages of a report name."""
    return [word.rstrip(",;:)") for one in report.outcomes for word in one.message.split() if re.search(r":\w", word)]


def test_four_runs(scenario: StepScenario) -> None:
    """Check mode plans a release and the next version of a changed app; the real release does the same, once."""
    for version in ("1", "2"):
        scenario.set_reply(f"hello {version}")
        before = scenario.seen()
        planned = go(scenario, scenario.release(version), check=True)
        assert scenario.seen() == before
        done = go(scenario, scenario.release(version), check=False)
        assert statuses(planned) == statuses(done) == NEW, done.failure
        assert references(done) == references(planned)
        assert scenario.image_id(scenario.local(version)) in scenario.backend.image_ids(scenario.repository, version)
        assert scenario.backend.containers() == frozenset()
    assert sorted(scenario.backend.published(scenario.repository)) == ["1", "2", "latest"]
    held = scenario.seen()
    for check in (True, False):
        again = go(scenario, scenario.release("2"), check=check)
        assert (statuses(again), again.exit_code) == (["ok"] * 5, 0)
        assert scenario.seen() == held


def test_a_published_version_with_other_content(scenario: StepScenario) -> None:
    """A changed app under a published version is a conflict, reported before anything is built."""
    go(scenario, scenario.release(), check=False)
    published = scenario.backend.published(scenario.repository)
    scenario.set_reply("hello again")

    planned = go(scenario, scenario.release(), check=True)
    done = go(scenario, scenario.release(), check=False)

    assert statuses(planned) == statuses(done) == ["failed", *["skipped"] * 4]
    assert done.failure
    assert "app.py" in done.failure.reason
    assert planned.exit_code == done.exit_code == 4
    assert scenario.backend.published(scenario.repository) == published


def test_an_app_that_fails_is_not_pushed(scenario: StepScenario) -> None:
    """An app that fails its checks is neither tagged nor pushed: the remaining steps are skipped."""
    scenario.set_reply("goodbye")

    report = go(scenario, scenario.release(), check=False)

    assert statuses(report) == ["ok", "changed", "failed", "skipped", "skipped"]
    assert all("smoke" in one.message for one in report.outcomes[3:])
    assert (report.status, report.exit_code) == (Status.FAILED, 1)
    assert scenario.image_id(scenario.remote()) is None
    assert scenario.backend.published(scenario.repository) == {}


def test_run_and_stop_after_a_build(scenario: StepScenario) -> None:
    """In check mode `run` plans with the image that `build` has not built yet."""
    steps = (scenario.build(), scenario.serve())
    before = scenario.seen()

    assert statuses(go(scenario, steps, check=True)) == ["changed", "changed"]
    assert scenario.seen() == before
    assert statuses(go(scenario, steps, check=False)) == ["changed", "changed"]
    assert statuses(go(scenario, steps, check=False)) == ["ok", "ok"]
    assert statuses(go(scenario, [scenario.stop()], check=False)) == ["changed"]
    assert scenario.served() is None
