"""tag: the image's references in the user's repository."""

from __future__ import annotations

from dataclasses import replace

from seatrial.model.reference import ImageReference
from tests.steps.scenario import StepScenario


def test_the_next_version(scenario: StepScenario) -> None:
    """A version has its own tag and `latest`; the next one, built last, moves `latest`; the older one's tag stays."""
    scenario.prepare(scenario.build("1"))
    older = scenario.image_id(scenario.local("1"))
    scenario.backend.engine.tag(older or "", ImageReference.parse(f"{scenario.app.repository.familiar}:0"))
    first = scenario.four_runs(scenario.tag())
    assert first.message.startswith(f"tagged {scenario.local()} as "), "whatever other names the image has"
    assert (first.before, first.after) == (None, older)
    scenario.prepare(scenario.build("2"))

    done = scenario.four_runs(replace(scenario.tag("2"), version=None))

    assert (done.before, done.after) == (older, scenario.image_id(scenario.local("2")))
    assert scenario.image_id(scenario.remote("1")) == older
    assert scenario.image_id(scenario.remote("2")) == scenario.image_id(scenario.remote("latest")) == done.after


def test_a_tag_that_points_elsewhere(scenario: StepScenario) -> None:
    """A tag that points to another image is corrected, and only that one is named."""
    scenario.prepare(scenario.build(), scenario.tag())
    scenario.backend.put_image(scenario.remote("latest"))
    elsewhere = scenario.image_id(scenario.remote("latest"))

    done = scenario.four_runs(scenario.tag())

    assert scenario.remote("latest") in done.message
    assert scenario.remote() not in done.message
    assert (done.before, done.after) == (elsewhere, scenario.image_id(scenario.local()))
