"""All steps of a release together."""

from __future__ import annotations

import re

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
