"""status: what ledger, engine and registry hold under each tag, the state that follows, and how it is shown."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.errors import EngineUnavailable, RegistryUnavailable
from seatrial.model.app import VERSION_LABEL
from seatrial.output.documents import TagStatus
from seatrial.output.hints import Call
from seatrial.output.release_status import tag_statuses
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.retry import RetryPolicy
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.registry import MemoryRegistry
from tests.output.shown_status import show_status
from tests.steps.scenario import make_app

HOST, RELEASE_TAGS = "registry.test:5000", ("1.4.2", "1.4", "1", "latest")


class _Engine(MemoryEngine):
    """An engine that can stop to answer."""

    answers = True

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:
        """Return the images."""
        if not self.answers:
            raise EngineUnavailable("no Docker Engine answers", reason="no such file", hint="invoke up")
        return super().images(labels)


@pytest.fixture
def engine() -> _Engine:
    """An empty engine that reaches one registry."""
    engine = _Engine()
    engine.registries[HOST] = MemoryRegistry(HOST)
    return engine


@pytest.fixture
def world(engine: _Engine, tmp_path: Path) -> World:
    """A world with nothing in it."""
    policy, state = RetryPolicy(sleep=lambda _: None), StateFolder(tmp_path)
    return World(engine=engine, registry=engine.registry, state=state, retry_policy=policy)


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    """The destination of an app."""
    app = make_app(f"w{secrets.token_hex(4)}", tmp_path / "app", "scratch", 5000)
    return Destination(target=app, user="demo", registry=HOST)


def build(world: World, destination: Destination, version: str, *tags: str) -> str:
    """Add an image to the engine under its own name and those for the registry; return its id."""
    assert isinstance(world.engine, MemoryEngine)
    labels = {**destination.target.labels, VERSION_LABEL: version}
    image = world.engine.add(version, destination.target.repository.with_tag(version), labels)
    for tag in tags:
        world.engine.tag(image, destination.repository.with_tag(tag))
    return image


def publish(world: World, destination: Destination, image: str, *tags: str) -> str:
    """Publish the image with the id `image` under tags; return its digest."""
    digest = f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
    for tag in tags:
        world.registry(HOST).tag(destination.repository.with_tag(tag), Manifest(digest=digest, config=image))
    return digest


def record(world: World, destination: Destination, version: str, digests: Mapping[str, str]) -> None:
    """Record a release in the ledger."""
    entry = Entry(
        action="release",
        app=destination.target.name,
        repository=str(destination.repository),
        version=version,
        image=None,
        digests=digests,
        who="alice@laptop",
        when="2026-01-01T00:00:00+00:00",
    )
    world.ledger.append(entry)


def release(world: World, destination: Destination, version: str, *tags: str) -> tuple[str, str]:
    """Build, publish and record a version; return the image's id and its digest."""
    image = build(world, destination, version, *tags)
    digest = publish(world, destination, image, *tags)
    record(world, destination, version, dict.fromkeys(tags, digest))
    return image, digest


def test_up_to_date(world: World, destination: Destination) -> None:
    """After a release all three hold the same image under each tag, and each tag has its full version."""
    image, digest = release(world, destination, "1.4.2", *RELEASE_TAGS)

    rows, left, error = tag_statuses(world, destination)

    assert rows == [
        TagStatus(tag=tag, version="1.4.2", registry=digest, engine=image, ledger=digest, state="up to date")
        for tag in RELEASE_TAGS
    ]
    assert (left, error) == (0, None)


@pytest.mark.parametrize(
    ("recorded", "local", "published", "state"),
    [
        ("same", "another", True, "local image differs"),
        ("same", None, True, "no image here"),
        (None, "same", False, "not published"),
        ("same", "same", False, "gone"),
        ("another", "same", True, "not as released"),
        (None, "same", True, "up to date"),
        (None, None, True, "no image here"),
    ],
)
def test_states(
    world: World, destination: Destination, recorded: str | None, local: str | None, state: str, *, published: bool
) -> None:
    """The state of a tag follows from what the ledger, the engine and the registry hold."""
    image = build(world, destination, "1") if local else None
    released = publish(world, destination, image if image and local == "same" else "sha256:1", *["1"] * published)
    ledger = released if recorded == "same" else "sha256:0" if recorded else None
    if ledger:
        record(world, destination, "1", {"1": ledger})

    registry = released if published else None
    expected = TagStatus(tag="1", version="1", registry=registry, engine=image, ledger=ledger, state=state)
    assert tag_statuses(world, destination) == ([expected], 0, None)


def test_the_environment(world: World, destination: Destination) -> None:
    """A tag has the environment that it was last released from; without environments no column is shown."""
    _, digest = release(world, destination, "1", "1", "latest")
    assert "ENVIRONMENT" not in show_status(world, destination.target, destination, as_json=False)[0]
    world.ledger.append(replace(world.ledger.entries()[0], digests={"latest": digest}, environment="staging"))
    lines = show_status(world, destination.target, destination, as_json=False)[0].splitlines()[2:]
    assert [line.split()[-4] for line in lines] == ["-", "staging"]


def test_the_last_ledger_entry_counts(world: World, destination: Destination) -> None:
    """After a rollback a moving tag is compared with the ledger's last entry."""
    _, older = release(world, destination, "1.4.1", "1.4.1", "latest")
    _, newer = release(world, destination, "1.4.2", "1.4.2")
    record(world, destination, "1.4.2", {"latest": newer})
    record(world, destination, "1.4.1", {"latest": older})

    rows = {one.tag: one for one in tag_statuses(world, destination)[0]}

    assert (rows["latest"].version, rows["latest"].ledger) == ("1.4.1", older)
    assert {one.state for one in rows.values()} == {"up to date"}


def test_other_repositories_are_left_out(world: World, destination: Destination) -> None:
    """Ledger entries of other repositories and images of other apps are left out."""
    record(world, replace(destination, user="somebody"), "1", {"1": "sha256:1"})
    build(world, replace(destination, target=destination.target.but(name="other")), "2")

    assert tag_statuses(world, destination) == ([], 0, None)


@pytest.mark.parametrize(
    ("gone", "registry", "engine_id", "states", "error"),
    [
        ("registry", "unknown", "", ["unknown", "unknown"], RegistryUnavailable),
        ("engine", "", "unknown", ["gone", "engine unknown"], EngineUnavailable),
        ("registry, engine", "unknown", "unknown", ["unknown", "unknown"], RegistryUnavailable),
    ],
)
def test_what_does_not_answer(
    world: World,
    destination: Destination,
    engine: _Engine,
    gone: str,
    registry: str,
    engine_id: str,
    states: list[str],
    error: type[Exception],
) -> None:
    """Without registry or engine its column is unknown; the rest is listed, with the error."""
    image, digest = release(world, destination, "1", "1")
    record(world, destination, "2", {"2": digest})
    engine.answers = "engine" not in gone
    if "registry" in gone:
        engine.registries.clear()

    (other, one), _, found = tag_statuses(world, destination)

    assert (one.registry, one.engine, one.ledger) == (registry or digest, engine_id or image, digest)
    assert [other.state, one.state] == states
    assert isinstance(found, error)


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


def test_many_versions(world: World, destination: Destination) -> None:
    """The newest twenty versions are listed with their moving tags, and those in the ledger; the rest is counted."""
    for patch in range(25):
        publish(world, destination, f"sha256:{patch}", f"1.0.{patch}", "1.0", "1", "latest")
    for minor in range(1, 6):
        publish(world, destination, f"sha256:0.{minor}.0", f"0.{minor}.0", f"0.{minor}")
    publish(world, destination, "sha256:rc", "2.0.0-rc1")

    rows, left, _ = tag_statuses(world, destination)

    newest = [f"1.0.{patch}" for patch in range(24, 4, -1)]
    assert [one.tag for one in rows] == [*newest, "1.0", "1", "latest"]
    assert {one.version for one in rows[-3:]} == {"1.0.24"}
    assert left == 5 + 10 + 1
    text, _ = show_status(world, destination.target, destination, as_json=False)
    assert "16" in text.splitlines()[-1].split()
    record(world, destination, "0.1.0", {"0.1.0": "sha256:0"})
    rows, left, _ = tag_statuses(world, destination)
    assert {"0.1.0", "0.1"} < {one.tag for one in rows}
    assert left == 5 + 8 + 1


def test_how_it_is_shown(world: World, destination: Destination) -> None:
    """Table and JSON document have a row for each tag; the table has short digests, and a dash for nothing."""
    image, digest = release(world, destination, "1", "1")
    dev = build(world, destination, "dev")

    text, error = show_status(world, destination.target, destination, as_json=False)
    document, _ = show_status(world, destination.target, destination, as_json=True)

    name, header, first, second = text.splitlines()
    assert error is None
    assert name == f"{HOST}/demo/web"
    assert header.split() == ["TAG", "VERSION", "REGISTRY", "ENGINE", "LEDGER", "STATE"]
    assert first.split() == ["1", "1", digest[7:19], image[7:19], digest[7:19], "up", "to", "date"]
    assert second.split() == ["dev", "dev", "-", dev[7:19], "-", "not", "published"]
    common = {"tag": "1", "version": "1", "registry": digest, "engine": image, "ledger": digest, "state": "up to date"}
    not_yet = {"registry": None, "engine": dev, "ledger": None, "state": "not published"}
    assert json.loads(document) == {
        "schema": "seatrial.status/1",
        "repository": name,
        "tags": [common, {"tag": "dev", "version": "dev", **not_yet}],
        "more": 0,
        "asked": True,
    }


def test_no_tags(world: World, destination: Destination, engine: _Engine) -> None:
    """Without tags the text names the repository; only a registry that answers proves it unpublished."""
    text, error = show_status(world, destination.target, destination, as_json=False)
    assert destination.repository.name in text
    assert "not published" in text
    assert error is None

    engine.registries.clear()
    text, error = show_status(world, destination.target, destination, as_json=False)
    assert "not published" not in text
    assert isinstance(error, RegistryUnavailable)


def test_without_a_user(world: World, destination: Destination) -> None:
    """Where nobody knows the repository, the engine's images are shown, and that no registry was asked."""
    image = build(world, destination, "1")
    world = replace(world, registry=lambda _: pytest.fail("asked"))

    text, error = show_status(world, destination.target, None, as_json=False, call=Call(program="seatrial"))
    document = json.loads(show_status(world, destination.target, None, as_json=True)[0])

    assert error is None
    assert text.splitlines()[-1].endswith("seatrial status --user NAME")
    assert document["asked"] is False
    (row,) = document["tags"]
    assert (row["engine"], row["registry"], row["state"]) == (image, "unknown", "not asked")
