"""stop: on the twin and on the real engine."""

from __future__ import annotations

from seatrial.errors import ContainerFailed
from seatrial.pipeline.step import Status
from tests.steps.stage import Stage


def test_four_runs(stage: Stage) -> None:
    """The container that serves goes away, and the image stays."""
    stage.prepare(stage.build(), stage.serve())
    serving = stage.container()
    images = stage.ground.images()

    done = stage.four_runs(stage.stop())

    assert done.reason == f"{stage.app.container_name} serves; it gets 10 s to finish"
    assert serving is not None
    assert (done.before, done.after) == (serving[0], None)
    assert stage.ground.containers() == frozenset()
    assert stage.served() is None
    assert stage.ground.images() == images


def test_nothing_to_stop(stage: Stage) -> None:
    """Where nothing serves there is nothing to do, and it says so."""
    outcome = stage.real(stage.stop())

    assert (outcome.status, outcome.reason) == (Status.OK, "nothing serves web")


def test_an_ended_container_is_removed_too(stage: Stage) -> None:
    """A container that ended by itself is taken away."""
    stage.prepare(stage.build(), stage.serve())
    stage.ground.engine.stop((stage.container() or ("",))[0], grace=1)

    done = stage.four_runs(stage.stop())

    assert done.reason == f"{stage.app.container_name} has ended and is still there"
    assert stage.ground.containers() == frozenset()


def test_somebody_elses_container_is_left_alone(stage: Stage) -> None:
    """A container of that name that the project did not make is not stopped."""
    stage.ground.put_container(stage.app.container_name, {})
    before = stage.seen()

    check, real = stage.check(stage.stop()), stage.real(stage.stop())

    assert isinstance(real.error, ContainerFailed)
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.what)
    assert stage.seen() == before
