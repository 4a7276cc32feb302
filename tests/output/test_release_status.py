"""What ledger, engine and registry hold under each tag, and the word for where they differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.errors import EngineUnavailable, RegistryUnavailable
from seatrial.output.release_status import TagStatus, tag_statuses
from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination
from tests.output.published_releases import (
    LINE,
    build,
    make_destination,
    make_world,
    note,
    publish,
    without_engine,
    without_registry,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world with nothing in it."""
    return make_world(tmp_path)


@pytest.fixture
def there(tmp_path: Path) -> Destination:
    """Where the app is published."""
    return make_destination(tmp_path)


def states(world: World, there: Destination) -> dict[str, str]:
    """Return the word for each tag."""
    return {one.tag: one.state for one in tag_statuses(world, there)[0]}


def test_in_step(world: World, there: Destination) -> None:
    """After a release all three hold the same under each tag; the version is the whole one, the newest on top."""
    image = build(world, there, "1.4.2", *LINE)
    digest = publish(world, there, image.id, *LINE)
    note(world, there, "1.4.2", dict.fromkeys(LINE, digest))

    rows, left, trouble = tag_statuses(world, there)

    assert rows == [
        TagStatus(tag=tag, version="1.4.2", registry=digest, engine=image.id, ledger=digest, state="up to date")
        for tag in LINE
    ]
    assert (left, trouble) == (0, None)


def test_another_image_here(world: World, there: Destination) -> None:
    """Who has built the version anew since has another image here than the registry."""
    digest = publish(world, there, build(world, there, "1").id, "1")
    note(world, there, "1", {"1": digest})
    build(world, there, "1", content="anew")

    assert states(world, there) == {"1": "local image differs"}


def test_no_image_here(world: World, there: Destination) -> None:
    """What was released and is not in the engine any more."""
    note(world, there, "1", {"1": publish(world, there, "sha256:1", "1")})

    rows, _, _ = tag_statuses(world, there)

    assert [(one.state, one.engine) for one in rows] == [("no image here", None)]


def test_not_published(world: World, there: Destination) -> None:
    """What was built and not released."""
    image = build(world, there, "2")

    rows, _, _ = tag_statuses(world, there)

    assert rows == [TagStatus(tag="2", version="2", registry=None, engine=image.id, ledger=None, state="not published")]


def test_gone(world: World, there: Destination) -> None:
    """What was released and the registry does not hold any more."""
    note(world, there, "1", {"1": "sha256:1"})
    build(world, there, "1", "1")

    rows, _, _ = tag_statuses(world, there)

    assert [(one.state, one.registry, one.ledger) for one in rows] == [("gone", None, "sha256:1")]


def test_not_as_released(world: World, there: Destination) -> None:
    """What somebody else has put other content over since it was released."""
    note(world, there, "1", {"1": "sha256:0"})
    digest = publish(world, there, build(world, there, "1").id, "1")

    rows, _, _ = tag_statuses(world, there)

    assert [(one.state, one.registry, one.ledger) for one in rows] == [("not as released", digest, "sha256:0")]


def test_the_last_word_of_the_ledger_counts(world: World, there: Destination) -> None:
    """After a rollback the ledger's last entry is what a moving tag is held against."""
    images = {version: build(world, there, version, version) for version in ("1.4.1", "1.4.2")}
    older = publish(world, there, images["1.4.1"].id, "1.4.1", "latest")
    newer = publish(world, there, images["1.4.2"].id, "1.4.2")
    note(world, there, "1.4.2", {"1.4.2": newer, "latest": newer})
    note(world, there, "1.4.1", {"latest": older})

    rows = {one.tag: one for one in tag_statuses(world, there)[0]}

    assert (rows["latest"].version, rows["latest"].ledger) == ("1.4.1", older)
    assert rows["latest"].state == "no image here"
    assert rows["1.4.2"].state == rows["1.4.1"].state == "up to date"


def test_not_released_from_here(world: World, there: Destination) -> None:
    """What others have published is told by what registry and engine hold; the ledger has nothing."""
    publish(world, there, build(world, there, "1").id, "1")
    publish(world, there, "sha256:2", "2")

    rows, _, _ = tag_statuses(world, there)

    assert [(one.tag, one.state, one.ledger) for one in rows] == [
        ("2", "no image here", None),
        ("1", "up to date", None),
    ]


def test_other_repositories_are_left_out(world: World, there: Destination) -> None:
    """What stands in the ledger about another repository, and other apps' images, are not told."""
    elsewhere = replace(there, user="somebody")
    note(world, elsewhere, "1", {"1": "sha256:1"})
    build(world, replace(there, target=replace(there.target, name="other")), "2")

    assert tag_statuses(world, there) == ([], 0, None)


def test_the_registry_does_not_answer(world: World, there: Destination) -> None:
    """What only the registry could tell is unknown; the rest is told, and the trouble with it."""
    image = build(world, there, "1.4.2", *LINE)
    digest = publish(world, there, image.id, *LINE)
    note(world, there, "1.4.2", dict.fromkeys(LINE, digest))

    rows, _, trouble = tag_statuses(without_registry(world), there)

    assert [(one.registry, one.engine, one.ledger, one.state) for one in rows] == [
        ("unknown", image.id, digest, "unknown")
    ] * 4
    assert isinstance(trouble, RegistryUnavailable)
    assert trouble.exit_code == 3


def test_the_engine_does_not_answer(world: World, there: Destination) -> None:
    """What only the engine could tell is unknown; the rest is told, and the trouble with it."""
    digest = publish(world, there, build(world, there, "1").id, "1")
    note(world, there, "1", {"1": digest})
    note(world, there, "2", {"2": digest})

    rows, _, trouble = tag_statuses(without_engine(world), there)

    assert [(one.tag, one.registry, one.engine, one.state) for one in rows] == [
        ("2", None, "unknown", "gone"),
        ("1", digest, "unknown", "engine unknown"),
    ]
    assert isinstance(trouble, EngineUnavailable)


def test_nobody_answers(world: World, there: Destination) -> None:
    """Without registry and engine the ledger is told, and the registry's trouble."""
    note(world, there, "1", {"1": "sha256:1"})

    rows, _, trouble = tag_statuses(without_engine(without_registry(world)), there)

    assert [(one.registry, one.engine, one.ledger) for one in rows] == [("unknown", "unknown", "sha256:1")]
    assert isinstance(trouble, RegistryUnavailable)


def test_own_patterns(world: World, there: Destination) -> None:
    """With own patterns the version is what stands for `{version}`, and the newest is on top all the same."""
    there = replace(there, target=replace(there.target, tags=("v{version}", "v{major}.{minor}", "stable")))
    publish(world, there, "sha256:9", "v1.4.9", "v1.4")
    publish(world, there, "sha256:10", "v1.4.10", "v1.4", "stable")

    rows, _, _ = tag_statuses(world, there)

    assert [(one.tag, one.version) for one in rows] == [
        ("v1.4.10", "1.4.10"),
        ("v1.4.9", "1.4.9"),
        ("v1.4", "1.4.10"),
        ("stable", "1.4.10"),
    ]
