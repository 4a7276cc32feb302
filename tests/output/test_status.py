"""status: a table or a document of how things stand, and how much of a long list is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seatrial.errors import RegistryUnavailable
from seatrial.output.release_status import show_status, tag_statuses
from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination
from tests.output.published_releases import HOST, build, make_destination, make_world, note, publish, without_registry


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world with nothing in it."""
    return make_world(tmp_path)


@pytest.fixture
def there(tmp_path: Path) -> Destination:
    """Where the app is published."""
    return make_destination(tmp_path)


def test_many_versions(world: World, there: Destination) -> None:
    """Of many versions the newest twenty are told with what moves with them, and how many tags are left."""
    for patch in range(25):
        version = f"1.0.{patch}"
        publish(world, there, f"sha256:{version}", version, "1.0", "1", "latest")
    for minor in range(1, 6):
        publish(world, there, f"sha256:0.{minor}.0", f"0.{minor}.0", f"0.{minor}")
    publish(world, there, "sha256:rc", "2.0.0-rc1")

    rows, left, _ = tag_statuses(world, there)

    newest = [f"1.0.{patch}" for patch in range(24, 4, -1)]
    assert [one.tag for one in rows] == [*newest, "1.0", "1", "latest"]
    assert {one.version for one in rows[-3:]} == {"1.0.24"}
    assert left == 5 + 10 + 1
    text, _ = show_status(world, there, as_json=False)
    assert text.splitlines()[-1] == "and 16 more tags in the registry"


def test_what_was_released_is_always_told(world: World, there: Destination) -> None:
    """A version in the ledger is told, how many newer ones there ever are."""
    digest = publish(world, there, "sha256:0", "0.1.0", "0.1")
    note(world, there, "0.1.0", {"0.1.0": digest})
    for patch in range(21):
        publish(world, there, f"sha256:{patch}", f"1.0.{patch}")

    rows, left, _ = tag_statuses(world, there)

    assert [one.tag for one in rows[-2:]] == ["0.1.0", "0.1"]
    assert left == 1
    assert "and 1 more tag in" in show_status(world, there, as_json=False)[0]


def test_the_table(world: World, there: Destination) -> None:
    """The table has a line a tag, with the beginnings of digests, and a dash where nothing is."""
    image = build(world, there, "1", "1")
    digest = publish(world, there, image.id, "1")
    note(world, there, "1", {"1": digest})
    build(world, there, "2")

    text, trouble = show_status(world, there, as_json=False)

    name, header, second, first = text.splitlines()
    assert name == f"{HOST}/demo/{there.target.name}"
    assert header.split() == ["TAG", "VERSION", "REGISTRY", "ENGINE", "LEDGER", "STATE"]
    assert second.split()[:3] == ["2", "2", "-"]
    assert second.endswith("not published")
    assert first.split() == ["1", "1", digest[7:19], image.id[7:19], digest[7:19], "up", "to", "date"]
    assert trouble is None


def test_nothing_at_all(world: World, there: Destination) -> None:
    """Where there is nothing the text says so, and with a registry out of reach not more than is known."""
    text, trouble = show_status(world, there, as_json=False)
    assert text.startswith(f"nothing is known about {there.repository.name}: ")
    assert "not published" in text
    assert trouble is None

    text, trouble = show_status(without_registry(world), there, as_json=False)
    assert "not published" not in text
    assert isinstance(trouble, RegistryUnavailable)


def test_the_document(world: World, there: Destination) -> None:
    """The JSON document has the repository, an object a tag, and how many more there are."""
    image = build(world, there, "1", "1")
    digest = publish(world, there, image.id, "1")
    note(world, there, "1", {"1": digest})
    build(world, there, "dev")

    text, _ = show_status(world, there, as_json=True)

    assert json.loads(text) == {
        "repository": f"{HOST}/demo/{there.target.name}",
        "tags": [
            {
                "tag": "1",
                "version": "1",
                "registry": digest,
                "engine": image.id,
                "ledger": digest,
                "state": "up to date",
            },
            {
                "tag": "dev",
                "version": "dev",
                "registry": None,
                "engine": world.engine.images()[0].id,
                "ledger": None,
                "state": "not published",
            },
        ],
        "more": 0,
    }
