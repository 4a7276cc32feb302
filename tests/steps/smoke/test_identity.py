"""Whose the answers were: on the twin and on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from seatrial.engine.model import Container
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed
from seatrial.events import Checked, Event
from seatrial.model.version import Version
from seatrial.pipeline.step import Status, converge
from seatrial.steps.smoke.identity import hold_identity
from seatrial.steps.smoke.smoke_container import spec_for
from tests.steps.stage import Stage


@pytest.fixture
def served(stage: Stage) -> Iterator[tuple[Stage, Container]]:
    """A stage on which a container was started beside all others."""
    stage.prepare(stage.build())
    image = stage.world.chosen(stage.app, Version("1"))
    spec = spec_for(stage.app, image, name=f"{stage.app.project}-asked", host_port=0, labels={})
    engine = stage.ground.engine
    made = engine.create(spec, lambda _: None)
    engine.start(made)
    container = engine.container(made)
    assert container is not None
    yield stage, container
    engine.remove(made)


def hold(stage: Stage, container: Container) -> None:
    """Hold the container that was asked against what there is now."""
    image, now = stage.world.chosen(stage.app, Version("1")), stage.ground.engine.container(container.id)
    hold_identity(stage.app, image, asked=container, now=now)


def test_the_same(served: tuple[Stage, Container]) -> None:
    """As long as it runs where it did, the answers were its own."""
    hold(*served)


def test_another_port(served: tuple[Stage, Container]) -> None:
    """A container that was asked on a port it no longer has may not be the one that answered."""
    stage, container = served
    elsewhere = replace(container, ports={stage.app.port: container.ports[stage.app.port] + 1})
    with pytest.raises(SmokeFailed, match="was asked, and the container's is"):
        hold(stage, elsewhere)


def test_another_image(served: tuple[Stage, Container]) -> None:
    """A container of another image is told with both ids."""
    stage, container = served
    stage.say("hello again")
    stage.prepare(stage.build("2"))
    other = stage.world.chosen(stage.app, Version("2"))
    words = f"expected image {other.id}, and the container .* {container.image_id}"
    with pytest.raises(SmokeFailed, match=words) as caught:
        hold_identity(stage.app, other, asked=container, now=container)
    assert caught.value.cause == "wrong-image"
    assert other.name == stage.local("2")


def test_not_there_any_more(served: tuple[Stage, Container]) -> None:
    """A container that went after its answers proves nothing."""
    stage, container = served
    stage.ground.engine.remove(container.id)
    with pytest.raises(ContainerFailed, match="was removed while"):
        hold(stage, container)


def test_a_late_death_is_explained(stage: Stage) -> None:
    """A container that ends once it has answered is told with its cause and the timeline, and not as dead at start."""
    stage.prepare(stage.build())
    engine = stage.ground.engine

    def interfere(event: Event) -> None:
        if isinstance(event, Checked):
            for one in engine.containers(stage.app.labels):
                engine.stop(one.id, grace=5)

    outcome, _ = converge(stage.smoke(), stage.world, check=False, tell=interfere)

    assert isinstance(outcome.error, ContainerFailed)
    assert "died while it was asked (exit code" in outcome.error.what
    # What is stopped in an engine ends by SIGTERM, of which nobody knows the cause, and on the twin by itself.
    assert outcome.error.cause in ("unknown", "ended")
    assert any("GET /: passed" in line for line in outcome.error.details)


def test_a_smoke_test_holds_identity(stage: Stage) -> None:
    """A container that is taken away once it has answered makes the smoke test fail, and no verdict passes."""
    stage.prepare(stage.build())
    engine = stage.ground.engine

    def interfere(event: Event) -> None:
        if isinstance(event, Checked):
            for one in engine.containers(stage.app.labels):
                engine.remove(one.id)

    outcome, _ = converge(stage.smoke(), stage.world, check=False, tell=interfere)

    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, SeatrialError)
    assert outcome.error.cause == "container-removed"
    verdict = stage.notes.verdict(stage.image_id(stage.local()) or "")
    assert verdict is not None
    assert not verdict.passed


def test_every_check_is_a_line_of_the_verdict(stage: Stage) -> None:
    """The verdict tells of each check, passed or failed."""
    stage.prepare(stage.build(), stage.smoke())
    image = stage.image_id(stage.local()) or ""
    passed = stage.notes.verdict(image)
    assert passed is not None
    checks = [line.partition(" (")[0] for line in passed.checked if line.startswith("GET ")]  # the image's facts follow
    assert checks == ["GET /: passed", "GET /version: passed"]

    stage.say("goodbye")
    stage.prepare(stage.build())
    stage.real(stage.smoke())

    failed = stage.notes.verdict(stage.image_id(stage.local()) or "")
    assert failed is not None
    assert failed.checked[0].startswith("GET /: the body does not contain 'hello'")
