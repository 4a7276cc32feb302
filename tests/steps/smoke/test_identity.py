"""Whose the answers were: on the twin and on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from seatrial.engine.model import Container
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed
from seatrial.events import CheckResult, Event
from seatrial.model.version import Version
from seatrial.pipeline.step import Status, converge
from seatrial.steps.smoke.identity import check_identity
from seatrial.steps.smoke.smoke_container import spec_for
from tests.steps.scenario import StepScenario


@pytest.fixture
def served(scenario: StepScenario) -> Iterator[tuple[StepScenario, Container]]:
    """A stage on which a container was started beside all others."""
    scenario.prepare(scenario.build())
    image = scenario.world.chosen(scenario.app, Version("1"))
    spec = spec_for(scenario.app, image, name=f"{scenario.app.project}-asked", host_port=0, labels={})
    engine = scenario.backend.engine
    made = engine.create(spec, lambda _: None)
    engine.start(made)
    container = engine.container(made)
    assert container is not None
    yield scenario, container
    engine.remove(made)


def hold(scenario: StepScenario, container: Container) -> None:
    """Hold the container that was asked against what there is now."""
    image, now = scenario.world.chosen(scenario.app, Version("1")), scenario.backend.engine.container(container.id)
    check_identity(scenario.app, image, asked=container, now=now)


def test_the_same(served: tuple[StepScenario, Container]) -> None:
    """As long as it runs where it did, the answers were its own."""
    hold(*served)


def test_another_port(served: tuple[StepScenario, Container]) -> None:
    """A container that was asked on a port it no longer has may not be the one that answered."""
    scenario, container = served
    elsewhere = replace(container, ports={scenario.app.port: container.ports[scenario.app.port] + 1})
    with pytest.raises(SmokeFailed, match="was asked, and the container's is"):
        hold(scenario, elsewhere)


def test_another_image(served: tuple[StepScenario, Container]) -> None:
    """A container of another image is told with both ids."""
    scenario, container = served
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build("2"))
    other = scenario.world.chosen(scenario.app, Version("2"))
    words = f"expected image {other.id}, and the container .* {container.image_id}"
    with pytest.raises(SmokeFailed, match=words) as caught:
        check_identity(scenario.app, other, asked=container, now=container)
    assert caught.value.cause == "wrong-image"
    assert other.name == scenario.local("2")


def test_not_there_any_more(served: tuple[StepScenario, Container]) -> None:
    """A container that went after its answers proves nothing."""
    scenario, container = served
    scenario.backend.engine.remove(container.id)
    with pytest.raises(ContainerFailed, match="was removed while"):
        hold(scenario, container)


def test_a_late_death_is_explained(scenario: StepScenario) -> None:
    """A container that ends once it has answered is told with its cause and the timeline, and not as dead at start."""
    scenario.prepare(scenario.build())
    engine = scenario.backend.engine

    def interfere(event: Event) -> None:
        if isinstance(event, CheckResult):
            for one in engine.containers(scenario.app.labels):
                engine.stop(one.id, grace=5)

    outcome, _ = converge(scenario.smoke(), scenario.world, check=False, emit=interfere)

    assert isinstance(outcome.error, ContainerFailed)
    assert "died while it was asked (exit code" in outcome.error.message
    # What is stopped in an engine ends by SIGTERM, of which nobody knows the cause, and on the twin by itself.
    assert outcome.error.cause in ("unknown", "ended")
    assert any("GET /: passed" in line for line in outcome.error.details)


def test_a_smoke_test_holds_identity(scenario: StepScenario) -> None:
    """A container that is taken away once it has answered makes the smoke test fail, and no verdict passes."""
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
    """The verdict tells of each check, passed or failed."""
    scenario.prepare(scenario.build(), scenario.smoke())
    image = scenario.image_id(scenario.local()) or ""
    passed = scenario.state.verdict(image)
    assert passed is not None
    checks = [line.partition(" (")[0] for line in passed.checked if line.startswith("GET ")]  # the image's facts follow
    assert checks == ["GET /: passed", "GET /version: passed"]

    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build())
    scenario.real(scenario.smoke())

    failed = scenario.state.verdict(scenario.image_id(scenario.local()) or "")
    assert failed is not None
    assert failed.checked[0].startswith("GET /: the body does not contain 'hello'")
