"""The world as a step sees it: what is there, and in check mode what will be there."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.errors import RegistryUnavailable
from seatrial.model.app import App, Check, checks_digest
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.world import NOT_BUILT, PlannedState, World
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.registry import MemoryRegistry
from tests.steps.scenario import make_app

CHECKS = (Check(text="hello"),)


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An app under a random name."""
    return make_app(f"w{secrets.token_hex(4)}", tmp_path / "app", "scratch", 5000)


def built(engine: MemoryEngine, app: App, version: str) -> Image:
    """Add the app's image of a version, and return it."""
    image_id = engine.add(f"{app.name} {version}", app.repository.with_tag(version), app.labels)
    image = engine.image(image_id)
    assert image
    return image


def verdict(image: Image, *, passed: bool = True) -> Verdict:
    """Return a verdict."""
    return Verdict(image=image.id, checks=checks_digest(CHECKS), passed=passed, run="r", when="now", summary="s")


def test_which_image_counts(world: World, engine: MemoryEngine, app: App) -> None:
    """The image of a version is found by its name; without a version the saved one counts, or else the newest."""
    assert world.current(app) is None
    older, newer = built(engine, app, "1"), built(engine, app, "2")
    built(engine, app.but(name="other"), "3")

    assert world.image_for(app, Version("1")) == older
    assert world.current(app) == newer
    world.state.save_current(app.name, older.id)
    assert world.image_for(app, None) == world.current(app) == older
    world.state.save_current(app.name, "sha256:gone")
    assert world.current(app) == newer


@pytest.mark.parametrize(("name", "way"), [("golang:1.25", "docker load"), ("r.example/x:1", "invoke up")])
def test_a_registry_that_is_away(world: World, name: str, way: str) -> None:
    """An image of Docker Hub, which may be out of reach for good, can be brought from another machine."""
    with pytest.raises(RegistryUnavailable) as raised:
        replace(world, registry=MemoryRegistry).pull(ImageReference.parse(name), print)
    assert way in raised.value.hint


def test_a_planned_image(world: World, engine: MemoryEngine, app: App) -> None:
    """A planned image hides the real one, by name and as the current one; the world before does not see it."""
    there = built(engine, app, "1")
    made = Image(id=NOT_BUILT, tags=(app.repository.with_tag("1").familiar,))

    planned = world.with_planned(PlannedState(images=(made,), current={app.name: made}))

    assert planned.image_for(app, Version("1")) == planned.image_for(app, None) == made
    assert world.image_for(app, Version("1")) == world.image_for(app, None) == there


def test_the_last_plan_comes_first(world: World, app: App) -> None:
    """The plan of a later step precedes those of earlier steps, and adds to them."""
    name = app.repository.with_tag("1")
    first, second = Image(id="first", tags=(name.familiar,)), Image(id="second", tags=(name.familiar,))

    planned = world.with_planned(PlannedState(images=(first,), verified=frozenset({"first"}), current={"one": first}))
    planned = planned.with_planned(
        PlannedState(images=(second,), verified=frozenset({"second"}), current={"two": second})
    )

    assert planned.image(name) == second
    assert planned.planned.verified == {"first", "second"}
    assert planned.planned.current == {"one": first, "two": second}


def test_a_planned_engine(world: World) -> None:
    """A planned engine is used from then on."""
    will_be = MemoryEngine()

    planned = world.with_planned(PlannedState(engine=will_be))

    assert planned.engine is planned.with_planned(PlannedState()).engine is will_be
    assert world.engine is not will_be


def test_a_planned_registry(world: World) -> None:
    """A planned registry is empty, and is not asked."""
    name = ImageReference.parse("localhost:5050/demo/app:1")

    assert world.with_planned(PlannedState(registries=frozenset({"localhost:5050"}))).published_manifest(name) is None


def test_a_verdict_that_counts(world: World, engine: MemoryEngine, app: App) -> None:
    """A verdict counts if it is on the image's id and these checks, and passed; a failed one replaces it."""
    image = built(engine, app, "1")
    assert world.verified(image, CHECKS) is None

    world.state.save_verdict(verdict(image))

    assert world.verified(image, CHECKS) == verdict(image)
    assert world.verified(image, (Check(text="adieu"),)) is None
    assert world.verified(built(engine, app, "2"), CHECKS) is None
    world.state.save_verdict(verdict(image, passed=False))

    assert world.verified(image, CHECKS) is None


def test_a_planned_verdict(world: World) -> None:
    """Check mode assumes that planned checks pass."""
    image = Image(id=NOT_BUILT)

    found = world.with_planned(PlannedState(verified=frozenset({NOT_BUILT}))).verified(image, CHECKS)

    assert found is not None
    assert found.passed
    assert found.covers(CHECKS)
