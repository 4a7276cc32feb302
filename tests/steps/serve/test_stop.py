"""stop: on the twin and on the real engine."""

from __future__ import annotations

from seatrial.errors import ContainerFailed
from seatrial.pipeline.step import Status
from tests.steps.scenario import StepScenario


def test_four_runs(scenario: StepScenario) -> None:
    """The container that serves goes away, and the image stays."""
    scenario.prepare(scenario.build(), scenario.serve())
    serving = scenario.container()
    images = scenario.backend.images()

    done = scenario.four_runs(scenario.stop())

    assert done.reason == f"{scenario.app.container_name} serves; it gets 10 s to finish"
    assert serving is not None
    assert (done.before, done.after) == (serving[0], None)
    assert scenario.backend.containers() == frozenset()
    assert scenario.served() is None
    assert scenario.backend.images() == images


def test_nothing_to_stop(scenario: StepScenario) -> None:
    """Where nothing serves there is nothing to do, and it says so."""
    outcome = scenario.real(scenario.stop())

    assert (outcome.status, outcome.reason) == (Status.OK, "nothing serves web")


def test_an_ended_container_is_removed_too(scenario: StepScenario) -> None:
    """A container that ended by itself is taken away."""
    scenario.prepare(scenario.build(), scenario.serve())
    scenario.backend.engine.stop((scenario.container() or ("",))[0], grace=1)

    done = scenario.four_runs(scenario.stop())

    assert done.reason == f"{scenario.app.container_name} has ended and is still there"
    assert scenario.backend.containers() == frozenset()


def test_somebody_elses_container_is_left_alone(scenario: StepScenario) -> None:
    """A container of that name that the project did not make is not stopped."""
    scenario.backend.put_container(scenario.app.container_name, {})
    before = scenario.seen()

    check, real = scenario.check(scenario.stop()), scenario.real(scenario.stop())

    assert isinstance(real.error, ContainerFailed)
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.message)
    assert scenario.seen() == before
