"""Whether the answers came from the right container: on the engine in memory and on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from seatrial.engine.model import Container
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed
from seatrial.events import CheckResult, Event
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.steps.smoke.identity import check_identity
from seatrial.steps.smoke.smoke_container import spec_for
from tests.steps.scenario import StepScenario


@pytest.fixture
def served(scenario: StepScenario) -> Iterator[tuple[StepScenario, Container]]:
    """A scenario with a container that was started beside all others."""
    scenario.prepare(scenario.build())
    image = scenario.world.image_for(scenario.app, Version("1"))
    spec = spec_for(scenario.app, image, name=f"{scenario.app.project}-asked", host_port=0, labels={})
    engine = scenario.backend.engine
    made = engine.create(spec, lambda _: None)
    engine.start(made)
    container = engine.container(made)
    assert container is not None
    yield scenario, container
    engine.remove(made)


def hold(scenario: StepScenario, container: Container) -> None:
    """Compare the container that was asked with what there is now."""
    image, now = scenario.world.image_for(scenario.app, Version("1")), scenario.backend.engine.container(container.id)
    check_identity(scenario.app, image, asked=container, now=now)


def test_the_same(served: tuple[StepScenario, Container]) -> None:
    """A container that still runs on the same port has given the answers."""
    hold(*served)


def test_another_port(served: tuple[StepScenario, Container]) -> None:
    """A container that no longer has the port that was asked may not be the one that answered."""
    scenario, container = served
    port = container.ports[scenario.app.port]
    with pytest.raises(SmokeFailed, match=f"{port + 1}.* {port}$") as caught:
        hold(scenario, replace(container, ports={scenario.app.port: port + 1}))
    assert caught.value.cause == "container-removed"


def test_another_image(served: tuple[StepScenario, Container]) -> None:
    """A container of another image fails, and the error has both ids."""
    scenario, container = served
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build("2"))
    other = scenario.world.image_for(scenario.app, Version("2"))
    with pytest.raises(SmokeFailed, match=f"{other.id}.* {container.image_id}") as caught:
        check_identity(scenario.app, other, asked=container, now=container)
    assert caught.value.cause == "wrong-image"
    assert other.name == scenario.local("2")


def test_not_there_any_more(served: tuple[StepScenario, Container]) -> None:
    """Answers of a container that is gone prove nothing."""
    scenario, container = served
    scenario.backend.engine.remove(container.id)
    with pytest.raises(ContainerFailed) as caught:
        hold(scenario, container)
    assert caught.value.cause == "container-removed"


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
    # A real container ends by SIGTERM, whose cause is unknown; the one in memory ends by itself.
    assert outcome.error.cause in ("unknown", "ended")
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
    verdict = scenario.state.verdict(scenario.image_id(scenario.local()) or "")
    assert verdict is not None
    assert not verdict.passed


def test_every_check_is_a_line_of_the_verdict(scenario: StepScenario) -> None:
    """The verdict has a line for each check, passed or failed."""
    scenario.prepare(scenario.build(), scenario.smoke())
    image = scenario.image_id(scenario.local()) or ""
    passed = scenario.state.verdict(image)
    assert passed is not None
    lines = [line.partition(":")[0] for line in passed.checked if line.startswith("GET ")]  # image checks follow
    assert lines == ["GET /", "GET /version"]

    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build())
    scenario.real(scenario.smoke())

    failed = scenario.state.verdict(scenario.image_id(scenario.local()) or "")
    assert failed is not None
    assert failed.checked[0].startswith("GET /: ")
    assert "'hello'" in failed.checked[0]
