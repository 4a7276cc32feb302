"""What --diff shows: each step tells what it changes, before and after, in check mode and in the real run."""

from __future__ import annotations

from dataclasses import replace

from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import Step
from seatrial.wording import short_digest
from tests.steps.run_steps import released
from tests.steps.scenario import StepScenario


def _diff(scenario: StepScenario, step: Step) -> dict[str, tuple[str | None, str | None]]:
    """Carry a step out and return what it told, the same as in check mode before."""
    planned, done = scenario.check(step), scenario.real(step)
    assert done.error is None
    assert planned.diff == done.diff
    return {one.name: (one.before, one.after) for one in done.diff}


def test_a_new_version(scenario: StepScenario) -> None:
    """Files, images, tags and options are named with what they were and what they are; values of arguments are not."""
    first = released(scenario, "1")
    one = short_digest(scenario.image_id(scenario.local("1")) or "")
    scenario.prepare(scenario.serve("1"))
    scenario.set_reply("hello again")

    changed = _diff(scenario, scenario.build("1", arguments={"TOKEN": "S3ntinel"}))
    assert changed.keys() == {scenario.local("1"), "app.py", "argument TOKEN"}
    assert changed["argument TOKEN"] == (None, "***")
    assert changed[scenario.local("1")] == (one, "a new image")
    scenario.prepare(scenario.build("1.1"), scenario.smoke("1.1"))
    new = short_digest(scenario.image_id(scenario.local("1.1")) or "")
    tags = _diff(scenario, scenario.tag("1.1"))
    assert (tags[scenario.remote("1.1")], tags[scenario.remote("latest")]) == ((None, new), (one, new))
    pushed = _diff(scenario, scenario.push("1.1"))
    assert (pushed[scenario.remote("1.1")]) == (None, "1.1")
    assert pushed[scenario.remote("latest")] == (f"1 ({first[:19]})", "1.1")

    app = scenario.app.but(memory=300_000_000, environment={"KEY": "S3ntinel"})
    assert _diff(scenario, replace(scenario.serve("1.1"), target=app)) == {
        "image": (one, scenario.local("1.1")),  # version 1 is another image by now
        "memory": ("134 MB", "300 MB"),
        "environment KEY": (None, "***"),
    }
    second = scenario.backend.published(scenario.repository)["latest"]
    back = _diff(scenario, scenario.rollback("1"))
    assert back[scenario.remote("latest")] == (f"1.1 ({second[:19]})", f"1 ({first[:19]})")
    assert scenario.real(scenario.stop()).diff == (
        Difference(name=scenario.app.container_name, before="running", after=None),
    )
