"""The world as a step sees it: what is there, and in check mode what will be."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.engine.memory.engine import MemoryEngine
from seatrial.engine.model import Image
from seatrial.errors import StepFailed
from seatrial.host.process import Process
from seatrial.model.app import App, Check, checks_digest
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.state import StateFolder, Verdict
from seatrial.pipeline.world import NOT_BUILT, PlannedState, World

CHECKS = (Check(text="hello"),)


@pytest.fixture
def engine() -> Iterator[MemoryEngine]:
    """An engine with nothing in it."""
    engine = MemoryEngine()
    yield engine
    engine.close()


@pytest.fixture
def world(engine: MemoryEngine, tmp_path: Path) -> World:
    """A world with nothing in it."""
    return World(engine=engine, registry=engine.registry, state=StateFolder(tmp_path), process=Process.this())


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An app under a random name."""
    name = f"w{secrets.token_hex(4)}"
    return App(
        project="example",
        name=name,
        context=tmp_path,
        dockerfile=tmp_path / "Dockerfile",
        repository=ImageReference.parse(f"example/{name}"),
        port=80,
        host_port=5000,
        checks=CHECKS,
        base_images=(),
        environment={},
        memory=1,
        smoke_timeout=1,
    )


def built(engine: MemoryEngine, app: App, version: str) -> Image:
    """Put the app's image of a version there."""
    image_id = engine.add(f"{app.name} {version}", app.repository.with_tag(version), app.labels)
    image = engine.image(image_id)
    assert image
    return image


def verdict(image: Image, *, passed: bool = True, checks: tuple[Check, ...] = CHECKS) -> Verdict:
    """Return a verdict."""
    return Verdict(image=image.id, checks=checks_digest(checks), passed=passed, run="r", when="now", summary="s")


def test_the_image_of_a_version(world: World, engine: MemoryEngine, app: App) -> None:
    """A version's image is found by its name."""
    older = built(engine, app, "1")
    built(engine, app, "2")

    assert world.chosen(app, Version("1")) == older


def test_the_noted_image_is_current(world: World, engine: MemoryEngine, app: App) -> None:
    """Without a version it is the image the notes name, also when a newer one is there."""
    older = built(engine, app, "1")
    built(engine, app, "2")
    world.state.save_current(app.name, older.id)

    assert world.chosen(app, None) == world.current(app) == older


def test_without_a_note_the_newest_is_current(world: World, engine: MemoryEngine, app: App) -> None:
    """Without a note, or when the noted image is gone, it is the newest that carries the app's labels."""
    built(engine, app, "1")
    newer = built(engine, app, "2")
    built(engine, replace(app, name="other"), "3")

    assert world.current(app) == newer
    world.state.save_current(app.name, "sha256:gone")
    assert world.current(app) == newer


@pytest.mark.parametrize(("version", "hint"), [(None, "invoke build"), ("7", "invoke build --version 7")])
def test_no_image(world: World, app: App, version: str | None, hint: str) -> None:
    """Where there is none the error says what to type."""
    with pytest.raises(StepFailed, match=f"there is no image {app.repository.name}") as caught:
        world.chosen(app, Version(version) if version else None)

    assert caught.value.hint == hint
    assert world.current(app) is None


def test_an_image_that_is_foreseen(world: World, engine: MemoryEngine, app: App) -> None:
    """What is foreseen hides what is there, by its name and as the current one; the world before sees none of it."""
    there = built(engine, app, "1")
    made = Image(id=NOT_BUILT, tags=(app.repository.with_tag("1").familiar,))

    planned = world.with_planned(PlannedState(images=(made,), current={app.name: made}))

    assert planned.chosen(app, Version("1")) == planned.chosen(app, None) == made
    assert world.chosen(app, Version("1")) == world.chosen(app, None) == there


def test_later_foresight_comes_first(world: World, app: App) -> None:
    """What a later step foresees goes before what an earlier one did, and adds to it."""
    name = app.repository.with_tag("1")
    first, second = Image(id="first", tags=(name.familiar,)), Image(id="second", tags=(name.familiar,))

    planned = world.with_planned(PlannedState(images=(first,), verified=frozenset({"first"}), current={"one": first}))
    planned = planned.with_planned(
        PlannedState(images=(second,), verified=frozenset({"second"}), current={"two": second})
    )

    assert planned.image(name) == second
    assert planned.planned.verified == {"first", "second"}
    assert planned.planned.current == {"one": first, "two": second}


def test_an_engine_that_is_foreseen(world: World) -> None:
    """Where an engine will be started, its stand-in answers from then on."""
    will_be = MemoryEngine()

    planned = world.with_planned(PlannedState(engine=will_be))

    assert planned.engine is planned.with_planned(PlannedState()).engine is will_be
    assert world.engine is not will_be


def test_a_registry_that_is_foreseen(world: World) -> None:
    """A registry that will be started holds nothing yet; it is not asked."""
    name = ImageReference.parse("localhost:5050/demo/app:1")

    assert world.with_planned(PlannedState(registries=frozenset({"localhost:5050"}))).published_manifest(name) is None


def test_a_verdict_that_counts(world: World, engine: MemoryEngine, app: App) -> None:
    """An image is proven by a verdict about its id and these checks that says it passed."""
    image = built(engine, app, "1")
    assert world.verified(image, CHECKS) is None

    world.state.save_verdict(verdict(image))

    assert world.verified(image, CHECKS) == verdict(image)
    assert world.verified(image, (Check(text="adieu"),)) is None
    assert world.verified(built(engine, app, "2"), CHECKS) is None


def test_a_verdict_that_it_failed(world: World, engine: MemoryEngine, app: App) -> None:
    """A verdict that it failed proves nothing, and takes the place of an older one."""
    image = built(engine, app, "1")
    world.state.save_verdict(verdict(image))
    world.state.save_verdict(verdict(image, passed=False))

    assert world.verified(image, CHECKS) is None


def test_a_verdict_that_is_foreseen(world: World) -> None:
    """Check mode counts on the checks it will put."""
    image = Image(id=NOT_BUILT)

    found = world.with_planned(PlannedState(verified=frozenset({NOT_BUILT}))).verified(image, CHECKS)

    assert found is not None
    assert found.passed
    assert found.covers(CHECKS)
