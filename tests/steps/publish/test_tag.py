"""tag: on the twin and on the real engine."""

from __future__ import annotations

from seatrial.errors import StepFailed, UsageError
from seatrial.pipeline.step import Status
from seatrial.steps.publish.tag import Tag
from tests.steps.stage import Stage


def test_four_runs(stage: Stage) -> None:
    """The user's name with the version, and `latest`, point to the image."""
    stage.prepare(stage.build())

    done = stage.four_runs(stage.tag())

    image = stage.image_id(stage.local())
    assert done.reason == f"{stage.local()} becomes {stage.remote()} and :latest"
    assert (done.before, done.after) == (None, image)
    assert stage.image_id(stage.remote("1")) == stage.image_id(stage.remote("latest")) == image


def test_what_is_no_release_moves_no_latest(stage: Stage) -> None:
    """A version that is no plain number gets its own tag only."""
    stage.prepare(stage.build("1.0-rc1"), stage.tag("1.0-rc1"))

    assert stage.image_id(stage.remote("1.0-rc1")) == stage.image_id(stage.local("1.0-rc1"))
    assert stage.image_id(stage.remote("latest")) is None


def test_only_what_is_missing_is_named(stage: Stage) -> None:
    """A newer version takes `latest` from the older one, whose own tag stays."""
    stage.prepare(stage.build("1"), stage.tag("1"), stage.build("2"))
    older = stage.image_id(stage.local("1"))

    done = stage.four_runs(stage.tag("2"))

    assert (done.before, done.after) == (older, stage.image_id(stage.local("2")))
    assert stage.image_id(stage.remote("1")) == older
    assert stage.image_id(stage.remote("latest")) == done.after


def test_a_name_that_points_elsewhere(stage: Stage) -> None:
    """A name that somebody gave to another image is put right, and only that one is named."""
    stage.prepare(stage.build(), stage.tag())
    stage.ground.put_image(stage.remote("latest"))
    elsewhere = stage.image_id(stage.remote("latest"))

    done = stage.four_runs(stage.tag())

    assert done.reason == f"{stage.local()} becomes {stage.remote('latest')}"
    assert (done.before, done.after) == (elsewhere, stage.image_id(stage.local()))
    assert stage.image_id(stage.remote("latest")) == done.after


def test_no_image(stage: Stage) -> None:
    """Where nothing was built there is nothing to tag, in check mode as in the real run."""
    check, real = stage.check(stage.tag()), stage.real(stage.tag())

    assert isinstance(real.error, StepFailed)
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.what)


def test_an_image_without_a_version(stage: Stage) -> None:
    """An image that Seatrial did not build has no version, and is not tagged."""
    stage.ground.put_image(stage.local())
    before = stage.seen()

    outcome = stage.real(stage.tag())

    assert isinstance(outcome.error, UsageError)
    assert outcome.error.mend.startswith("invoke build")
    assert stage.seen() == before


def test_without_a_version_the_last_build_is_tagged(stage: Stage) -> None:
    """Without a version it is the image built last, under that image's own version."""
    stage.prepare(stage.build("1"), stage.build("2"))

    stage.prepare(Tag(target=stage.app, version=None, destination=stage.destination))

    assert stage.image_id(stage.remote("2")) == stage.image_id(stage.local("2"))
    assert stage.image_id(stage.remote("1")) is None
