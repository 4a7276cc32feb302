"""Whether the answers came from the right container: on the engine in memory and on the real engine."""

from __future__ import annotations

from seatrial.errors import ContainerFailed, SeatrialError
from seatrial.events import CheckResult, Event
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from tests.steps.scenario import ALSO_DOCKER, StepScenario


@ALSO_DOCKER
def test_a_late_death_is_explained(scenario: StepScenario) -> None:
    """A container that dies after its answers fails with its cause and a timeline that has these answers."""
    scenario.prepare(scenario.build())
    engine = scenario.backend.engine

    def interfere(event: Event) -> None:
        if isinstance(event, CheckResult):
            for one in engine.containers(scenario.app.labels):
                engine.stop(one.id, grace=5)

    outcome, _ = converge(scenario.smoke(), scenario.world, check=False, emit=interfere)

    assert isinstance(outcome.error, ContainerFailed)
    # A real container is stopped by somebody; the one in memory ends by itself.
    assert outcome.error.cause in ("killed", "unknown", "ended")
    assert any("GET /:" in line for line in outcome.error.details)


def test_a_smoke_test_holds_identity(scenario: StepScenario) -> None:
    """A container that is removed after its answers fails the smoke test, and the verdict has not passed."""
    scenario.prepare(scenario.build())
    engine = scenario.backend.engine

    def interfere(event: Event) -> None:
        if isinstance(event, CheckResult):
            for one in engine.containers(scenario.app.labels):
                engine.remove(one.id)

    outcome, _ = converge(scenario.smoke(), scenario.world, check=False, emit=interfere)

    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, SeatrialError)
    assert outcome.error.cause == "container-removed"
    assert not scenario.verdict.passed


def test_every_check_is_a_line_of_the_verdict(scenario: StepScenario) -> None:
    """The verdict has a line for each check, passed or failed."""
    scenario.prepare(scenario.build(), scenario.smoke())
    lines = [line.partition(":")[0] for line in scenario.verdict.checked]
    assert lines[:2] == ["GET /", "GET /version"]  # image checks follow

    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build())
    scenario.real(scenario.smoke())

    assert scenario.verdict.checked[0].startswith("GET /: ")
    assert "'hello'" in scenario.verdict.checked[0]
