"""status: the table, the JSON document, and the length of the list."""

from __future__ import annotations

import json

from seatrial.errors import RegistryUnavailable
from seatrial.output.release_status import show_status, tag_statuses
from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination
from tests.output.published_releases import (
    HOST,
    build,
    publish,
    record_release,
    without_registry,
)


def test_many_versions(world: World, destination: Destination) -> None:
    """Of many versions the newest twenty are listed with their moving tags, and the other tags are counted."""
    for patch in range(25):
        version = f"1.0.{patch}"
        publish(world, destination, f"sha256:{version}", version, "1.0", "1", "latest")
    for minor in range(1, 6):
        publish(world, destination, f"sha256:0.{minor}.0", f"0.{minor}.0", f"0.{minor}")
    publish(world, destination, "sha256:rc", "2.0.0-rc1")

    rows, left, _ = tag_statuses(world, destination)

    newest = [f"1.0.{patch}" for patch in range(24, 4, -1)]
    assert [one.tag for one in rows] == [*newest, "1.0", "1", "latest"]
    assert {one.version for one in rows[-3:]} == {"1.0.24"}
    assert left == 5 + 10 + 1
    text, _ = show_status(world, destination, as_json=False)
    assert "16" in text.splitlines()[-1].split()


def test_released_versions_are_always_listed(world: World, destination: Destination) -> None:
    """A version in the ledger is listed, however many newer ones exist."""
    digest = publish(world, destination, "sha256:0", "0.1.0", "0.1")
    record_release(world, destination, "0.1.0", {"0.1.0": digest})
    for patch in range(21):
        publish(world, destination, f"sha256:{patch}", f"1.0.{patch}")

    rows, left, _ = tag_statuses(world, destination)

    assert [one.tag for one in rows[-2:]] == ["0.1.0", "0.1"]
    assert left == 1


def test_the_table(world: World, destination: Destination) -> None:
    """The table has a line for each tag, with short digests, and a dash for a missing image."""
    image = build(world, destination, "1", "1")
    digest = publish(world, destination, image.id, "1")
    record_release(world, destination, "1", {"1": digest})
    build(world, destination, "2")

    text, error = show_status(world, destination, as_json=False)

    name, header, second, first = text.splitlines()
    assert name == f"{HOST}/demo/{destination.target.name}"
    assert header.split() == ["TAG", "VERSION", "REGISTRY", "ENGINE", "LEDGER", "STATE"]
    assert second.split()[:3] == ["2", "2", "-"]
    assert second.endswith("not published")
    assert first.split() == ["1", "1", digest[7:19], image.id[7:19], digest[7:19], "up", "to", "date"]
    assert error is None


def test_no_tags(world: World, destination: Destination) -> None:
    """Without tags the text names the repository; only a registry that answers proves it unpublished."""
    text, error = show_status(world, destination, as_json=False)
    assert destination.repository.name in text
    assert "not published" in text
    assert error is None

    text, error = show_status(without_registry(world), destination, as_json=False)
    assert "not published" not in text
    assert isinstance(error, RegistryUnavailable)


def test_the_document(world: World, destination: Destination) -> None:
    """The JSON document has the repository, an object for each tag, and the number of other tags."""
    image = build(world, destination, "1", "1")
    digest = publish(world, destination, image.id, "1")
    record_release(world, destination, "1", {"1": digest})
    build(world, destination, "dev")

    text, _ = show_status(world, destination, as_json=True)

    assert json.loads(text) == {
        "schema": "seatrial.status/1",
        "repository": f"{HOST}/demo/{destination.target.name}",
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
