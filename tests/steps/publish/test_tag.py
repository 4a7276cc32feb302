"""tag: in memory and on the real engine."""

from __future__ import annotations

from seatrial.errors import StepFailed, UsageError
from seatrial.pipeline.outcome import Status
from seatrial.steps.publish.tag import Tag
from tests.steps.scenario import StepScenario


def test_four_runs(scenario: StepScenario) -> None:
    """The user's repository has the image under its version and `latest`."""
    scenario.prepare(scenario.build())

    done = scenario.four_runs(scenario.tag())

    image = scenario.image_id(scenario.local())
    assert f"{scenario.remote()} and :latest" in done.message
    assert (done.before, done.after) == (None, image)
    assert scenario.image_id(scenario.remote("1")) == scenario.image_id(scenario.remote("latest")) == image


def test_a_pre_release_does_not_move_latest(scenario: StepScenario) -> None:
    """A pre-release gets only its own tag."""
    scenario.prepare(scenario.build("1.0-rc1"), scenario.tag("1.0-rc1"))

    assert scenario.image_id(scenario.remote("1.0-rc1")) == scenario.image_id(scenario.local("1.0-rc1"))
    assert scenario.image_id(scenario.remote("latest")) is None


def test_the_next_version(scenario: StepScenario) -> None:
    """A newer version moves `latest` from the older one, whose own tag stays."""
    scenario.prepare(scenario.build("1"), scenario.tag("1"), scenario.build("2"))
    older = scenario.image_id(scenario.local("1"))

    done = scenario.four_runs(scenario.tag("2"))

    assert (done.before, done.after) == (older, scenario.image_id(scenario.local("2")))
    assert scenario.image_id(scenario.remote("1")) == older
    assert scenario.image_id(scenario.remote("latest")) == done.after


def test_a_tag_that_points_elsewhere(scenario: StepScenario) -> None:
    """A tag that points to another image is corrected, and only that one is named."""
    scenario.prepare(scenario.build(), scenario.tag())
    scenario.backend.put_image(scenario.remote("latest"))
    elsewhere = scenario.image_id(scenario.remote("latest"))

    done = scenario.four_runs(scenario.tag())

    assert scenario.remote("latest") in done.message
    assert scenario.remote() not in done.message
    assert (done.before, done.after) == (elsewhere, scenario.image_id(scenario.local()))
    assert scenario.image_id(scenario.remote("latest")) == done.after


def test_no_image(scenario: StepScenario) -> None:
    """Without an image there is nothing to tag, in check mode and in the real run."""
    check, real = scenario.check(scenario.tag()), scenario.real(scenario.tag())

    assert isinstance(real.error, StepFailed)
    assert (check.status, check.message) == (real.status, real.message) == (Status.FAILED, real.error.message)


def test_an_image_without_a_version(scenario: StepScenario) -> None:
    """An image that Seatrial did not build has no version, and is not tagged."""
    scenario.backend.put_image(scenario.local())
    before = scenario.seen()

    outcome = scenario.real(scenario.tag())

    assert isinstance(outcome.error, UsageError)
    assert outcome.error.hint.startswith("invoke build")
    assert scenario.seen() == before


def test_without_a_version_the_last_build_is_tagged(scenario: StepScenario) -> None:
    """Without a version the image built last is tagged, under its own version."""
    scenario.prepare(scenario.build("1"), scenario.build("2"))

    scenario.prepare(Tag(target=scenario.app, version=None, destination=scenario.destination))

    assert scenario.image_id(scenario.remote("2")) == scenario.image_id(scenario.local("2"))
    assert scenario.image_id(scenario.remote("1")) is None
