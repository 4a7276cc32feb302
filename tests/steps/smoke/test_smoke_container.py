"""The checks in a fresh container: which error counts if more than one thing goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.engine.protocol import Engine
from seatrial.errors import ContainerFailed, SmokeFailed, StepFailed
from seatrial.model.app import App, Check
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.steps.smoke.smoke_container import run_checks_in_container, spec_for
from tests.engine.memory.engine import MemoryEngine
from tests.steps.scenario import make_app


class Mute(MemoryEngine):
    """An engine whose logging driver cannot read logs."""

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Raise an error."""
        raise StepFailed(f"the log of {container_id} cannot be read", reason="its driver cannot", hint="docker info")


class Looping(MemoryEngine):
    """An engine whose app answers, while the workers of its server end again and again."""

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Yield what Gunicorn writes."""
        yield from (f"[7] [ERROR] Worker (pid:{pid}) exited with code 7." for pid in (9, 10, 12, 13))


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An app."""
    return make_app("trial", tmp_path / "app", "scratch", 8080)


def world_of(engine: Engine, folder: Path) -> World:
    """Return the world of one run."""
    return World(engine=engine, registry=MemoryEngine().registry, state=StateFolder(folder))


def image_in(engine: MemoryEngine) -> Image:
    """Return an image in an engine."""
    image = engine.image(engine.add("content", ImageReference.parse("web:7")))
    assert image is not None
    return image


def test_a_log_that_cannot_be_read(app: App, tmp_path: Path) -> None:
    """The error is that the app died, not that its log cannot be read."""
    engine = Mute(program=None)

    with pytest.raises(ContainerFailed):
        run_checks_in_container(world_of(engine, tmp_path), app, image_in(engine), lambda _: None, log=True)

    assert engine.containers({}) == []


def test_workers_that_end_between_the_answers(app: App, tmp_path: Path) -> None:
    """An app that passes its checks only because its server always starts new workers fails."""
    engine, app = Looping(), replace(app, checks=(Check(),))

    with pytest.raises(SmokeFailed) as caught:
        run_checks_in_container(world_of(engine, tmp_path), app, image_in(engine), lambda _: None)

    assert caught.value.cause == "crash-loop"
    assert "code 7" in caught.value.reason


def test_another_container_of_that_name(app: App, tmp_path: Path) -> None:
    """A foreign container that has the smoke container's name is left alone."""
    engine = MemoryEngine()
    world, image = world_of(engine, tmp_path), image_in(engine)
    name = f"{app.container_name}-smoke-{world.process.run}"
    spec = replace(spec_for(app, image, name=name, host_port=0, labels={}), labels={})
    theirs = engine.create(spec, lambda _: None)

    with pytest.raises(ContainerFailed) as caught:
        run_checks_in_container(world, app, image, lambda _: None)

    assert caught.value.cause == "name-taken"
    assert [one.id for one in engine.containers({})] == [theirs]
