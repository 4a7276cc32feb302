"""What ledger, engine and registry hold under each tag, and the state that follows from it."""

from __future__ import annotations

from dataclasses import replace

from seatrial.errors import EngineUnavailable, RegistryUnavailable
from seatrial.output.documents import TagStatus
from seatrial.output.release_status import tag_statuses
from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination
from tests.output.published_releases import (
    RELEASE_TAGS,
    build,
    publish,
    record_release,
    without_engine,
    without_registry,
)


def states(world: World, destination: Destination) -> dict[str, str]:
    """Return the state of each tag."""
    return {one.tag: one.state for one in tag_statuses(world, destination)[0]}


def test_up_to_date(world: World, destination: Destination) -> None:
    """After a release all three hold the same image under each tag, and each tag has its full version."""
    image = build(world, destination, "1.4.2", *RELEASE_TAGS)
    digest = publish(world, destination, image.id, *RELEASE_TAGS)
    record_release(world, destination, "1.4.2", dict.fromkeys(RELEASE_TAGS, digest))

    rows, left, error = tag_statuses(world, destination)

    assert rows == [
        TagStatus(tag=tag, version="1.4.2", registry=digest, engine=image.id, ledger=digest, state="up to date")
        for tag in RELEASE_TAGS
    ]
    assert (left, error) == (0, None)


def test_another_image_here(world: World, destination: Destination) -> None:
    """A local image that was rebuilt after the release differs from the published one."""
    digest = publish(world, destination, build(world, destination, "1").id, "1")
    record_release(world, destination, "1", {"1": digest})
    build(world, destination, "1", content="new")

    assert states(world, destination) == {"1": "local image differs"}


def test_no_image_here(world: World, destination: Destination) -> None:
    """The version was released, and its image is no longer in the engine."""
    record_release(world, destination, "1", {"1": publish(world, destination, "sha256:1", "1")})

    rows, _, _ = tag_statuses(world, destination)

    assert [(one.state, one.engine) for one in rows] == [("no image here", None)]


def test_not_published(world: World, destination: Destination) -> None:
    """The version was built, and not released."""
    image = build(world, destination, "2")

    rows, _, _ = tag_statuses(world, destination)

    assert rows == [TagStatus(tag="2", version="2", registry=None, engine=image.id, ledger=None, state="not published")]


def test_gone(world: World, destination: Destination) -> None:
    """The version was released, and the registry no longer has it."""
    record_release(world, destination, "1", {"1": "sha256:1"})
    build(world, destination, "1", "1")

    rows, _, _ = tag_statuses(world, destination)

    assert [(one.state, one.registry, one.ledger) for one in rows] == [("gone", None, "sha256:1")]


def test_not_as_released(world: World, destination: Destination) -> None:
    """The version was overwritten with other content after its release."""
    record_release(world, destination, "1", {"1": "sha256:0"})
    digest = publish(world, destination, build(world, destination, "1").id, "1")

    rows, _, _ = tag_statuses(world, destination)

    assert [(one.state, one.registry, one.ledger) for one in rows] == [("not as released", digest, "sha256:0")]


def test_the_last_ledger_entry_counts(world: World, destination: Destination) -> None:
    """After a rollback a moving tag is compared with the ledger's last entry."""
    images = {version: build(world, destination, version, version) for version in ("1.4.1", "1.4.2")}
    older = publish(world, destination, images["1.4.1"].id, "1.4.1", "latest")
    newer = publish(world, destination, images["1.4.2"].id, "1.4.2")
    record_release(world, destination, "1.4.2", {"1.4.2": newer, "latest": newer})
    record_release(world, destination, "1.4.1", {"latest": older})

    rows = {one.tag: one for one in tag_statuses(world, destination)[0]}

    assert (rows["latest"].version, rows["latest"].ledger) == ("1.4.1", older)
    assert rows["latest"].state == "no image here"
    assert rows["1.4.2"].state == rows["1.4.1"].state == "up to date"


def test_not_released_from_here(world: World, destination: Destination) -> None:
    """The state of a version that is not in the ledger depends on registry and engine."""
    publish(world, destination, build(world, destination, "1").id, "1")
    publish(world, destination, "sha256:2", "2")

    rows, _, _ = tag_statuses(world, destination)

    assert [(one.tag, one.state, one.ledger) for one in rows] == [
        ("2", "no image here", None),
        ("1", "up to date", None),
    ]


def test_other_repositories_are_left_out(world: World, destination: Destination) -> None:
    """Ledger entries of other repositories and images of other apps are left out."""
    elsewhere = replace(destination, user="somebody")
    record_release(world, elsewhere, "1", {"1": "sha256:1"})
    build(world, replace(destination, target=destination.target.but(name="other")), "2")

    assert tag_statuses(world, destination) == ([], 0, None)


def test_the_registry_does_not_answer(world: World, destination: Destination) -> None:
    """Without the registry its column is unknown; the rest is listed, with the error."""
    image = build(world, destination, "1.4.2", *RELEASE_TAGS)
    digest = publish(world, destination, image.id, *RELEASE_TAGS)
    record_release(world, destination, "1.4.2", dict.fromkeys(RELEASE_TAGS, digest))

    rows, _, error = tag_statuses(without_registry(world), destination)

    assert [(one.registry, one.engine, one.ledger, one.state) for one in rows] == [
        ("unknown", image.id, digest, "unknown")
    ] * 4
    assert isinstance(error, RegistryUnavailable)
    assert error.exit_code == 3


def test_the_engine_does_not_answer(world: World, destination: Destination) -> None:
    """Without the engine its column is unknown; the rest is listed, with the error."""
    digest = publish(world, destination, build(world, destination, "1").id, "1")
    record_release(world, destination, "1", {"1": digest})
    record_release(world, destination, "2", {"2": digest})

    rows, _, error = tag_statuses(without_engine(world), destination)

    assert [(one.tag, one.registry, one.engine, one.state) for one in rows] == [
        ("2", None, "unknown", "gone"),
        ("1", digest, "unknown", "engine unknown"),
    ]
    assert isinstance(error, EngineUnavailable)


def test_neither_answers(world: World, destination: Destination) -> None:
    """Without registry and engine the ledger is listed, with the registry's error."""
    record_release(world, destination, "1", {"1": "sha256:1"})

    rows, _, error = tag_statuses(without_engine(without_registry(world)), destination)

    assert [(one.registry, one.engine, one.ledger) for one in rows] == [("unknown", "unknown", "sha256:1")]
    assert isinstance(error, RegistryUnavailable)


def test_own_patterns(world: World, destination: Destination) -> None:
    """With custom tag patterns the version is the part for `{version}`, and the newest comes first."""
    destination = replace(destination, target=destination.target.but(tags=("v{version}", "v{major}.{minor}", "stable")))
    publish(world, destination, "sha256:9", "v1.4.9", "v1.4")
    publish(world, destination, "sha256:10", "v1.4.10", "v1.4", "stable")

    rows, _, _ = tag_statuses(world, destination)

    assert [(one.tag, one.version) for one in rows] == [
        ("v1.4.10", "1.4.10"),
        ("v1.4.9", "1.4.9"),
        ("v1.4", "1.4.10"),
        ("stable", "1.4.10"),
    ]
