"""Each fact of an image, with a specimen that fails it; and what a policy makes of it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from seatrial.checks.image.facts import Fact, collect_facts, enforce_policy
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.memory.engine import MemoryEngine
from seatrial.engine.model import Image, ImageFile
from seatrial.engine.protocol import Engine
from seatrial.errors import SmokeFailed, StepFailed
from seatrial.events import CheckResult, Event
from seatrial.host.process import Process
from seatrial.model.app import App
from seatrial.model.facts_policy import FactsPolicy
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.model import Registry
from tests.git import git
from tests.image_specimens import GOOD, Specimens, file, folder
from tests.steps.scenario import make_app

pytestmark = pytest.mark.engine

NAMES = ["user", "port", "healthcheck", "secrets", "setuid", "writable", "read-only", "labels", "size"]


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The real engine."""
    found = DockerEngine()
    yield found
    found.close()


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> World:
    """The world of one run."""
    return World(engine=engine, registry=_no_registry, state=StateFolder(tmp_path / "notes"), process=Process.this())


@pytest.fixture
def app(project_name: str, tmp_path: Path) -> App:
    """An app on port 8080, in no git repository."""
    return make_app(project_name, tmp_path / "app", "scratch", 8080)


@pytest.fixture
def specimens(engine: Engine, project_name: str, tmp_path: Path) -> Specimens:
    """Makes images."""
    return Specimens(engine=engine, project=project_name, folder=tmp_path)


def _no_registry(host: str) -> Registry:
    raise AssertionError(host)


def problems(facts: tuple[Fact, ...]) -> dict[str, str]:
    """Return what is wrong by the fact's name."""
    return {fact.name: fact.problem for fact in facts if fact.problem}


def test_a_good_image_passes_all(world: World, app: App, specimens: Specimens) -> None:
    """Of a good image every fact holds, and every fact says what to do where it does not."""
    facts = collect_facts(world, app, specimens.make())

    assert problems(facts) == {}
    assert [fact.name for fact in facts] == NAMES
    assert all(fact.hint and fact.title for fact in facts)


@pytest.mark.parametrize(
    ("name", "says", "files", "words"),
    [
        ("user", {"user": None}, [], "runs as root"),
        ("user", {"user": "USER 0"}, [], "runs as root"),
        ("user", {"user": "USER root"}, [], "runs as root"),
        ("user", {"user": "USER 0:10001"}, [], "runs as root"),
        ("user", {"user": "USER app"}, [], "is a name"),
        ("user", {"user": "USER 10001:app"}, [], "is a name"),
        ("user", {"user": "USER 10001"}, [], "names no group"),
        ("user", {"user": "USER 10001:"}, [], "names no group"),
        ("port", {"port": None}, [], "exposes no port"),
        ("port", {"port": "EXPOSE 80"}, [], "exposes 80, and the app's port is 8080"),
        ("port", {"port": "EXPOSE 8080/udp"}, [], "exposes 8080/udp"),
        ("port", {"port": "EXPOSE 8080 9000"}, [], "exposes 9000 beside 8080"),
        ("healthcheck", {"healthcheck": None}, [], "no HEALTHCHECK"),
        ("healthcheck", {"healthcheck": "HEALTHCHECK NONE"}, [], "no HEALTHCHECK"),
        ("secrets", {"more": "ENV API_TOKEN=bound4rio"}, [], "gives away ENV API_TOKEN"),
        ("secrets", {"more": "LABEL db.password=bound4rio"}, [], "LABEL db.password"),
        ("secrets", {"more": "ENV DATABASE=postgres://web:bound4rio@db/web"}, [], "a URL with a password in ENV DATA"),
        ("setuid", {}, [file("/app/su", 0o4755)], "setuid or setgid is set on /app/su"),
        ("setuid", {}, [file("/app/su", 0o6755), file("/app/wall", 0o2755)], "set on /app/su, /app/wall"),
        ("writable", {}, [file("/app/mine", 0o444, uid=10001)], "the app may write /app/mine"),
        ("writable", {}, [file("/app/ours", 0o664, gid=10001)], "/app/ours"),
        ("writable", {}, [file("/app/everybodys", 0o666)], "/app/everybodys"),
        ("writable", {}, [folder("/srv", 0o777)], "/srv"),
        ("writable", {}, [folder("/srv", 0o1755, uid=10001)], "/srv"),
        ("writable", {}, [folder("/srv", 0o1777, uid=10001)], "/srv"),
        ("labels", {"title": None}, [], "lacks org.opencontainers.image.title"),
        (
            "labels",
            {"version": "LABEL org.opencontainers.image.version="},
            [],
            "lacks org.opencontainers.image.version",
        ),
    ],
)
def test_a_specimen_fails_one_fact(
    world: World,
    app: App,
    specimens: Specimens,
    name: str,
    says: dict[str, str | None],
    files: list[ImageFile],
    words: str,
) -> None:
    """A specimen fails exactly the fact it was made for, and no secret's value is told."""
    found = problems(collect_facts(world, app, specimens.make({**GOOD, **says}, *files)))

    assert list(found) == [name]
    assert words in found[name]
    assert "bound4rio" not in str(found)


def test_a_specimen_beyond_its_budget(world: World, app: App, specimens: Specimens) -> None:
    """An image larger than its budget is told with both sizes."""
    image = specimens.make()
    small = replace(app, facts=FactsPolicy(budget=image.size - 1))
    exact = replace(app, facts=FactsPolicy(budget=image.size))

    assert f"({image.size - 1:,} bytes)" in problems(collect_facts(world, small, image))["size"]
    assert problems(collect_facts(world, exact, image)) == {}


def test_a_specimen_from_a_repository(world: World, app: App, specimens: Specimens) -> None:
    """Where git knows the commit and the source, the image is to say them."""
    git(app.context, "init", "-q")
    git(app.context, "add", "-A")
    git(app.context, "commit", "-qm", "one")
    git(app.context, "remote", "add", "origin", "https://code.test/web.git")
    image = specimens.make()

    lacking = problems(collect_facts(world, app, image))["labels"]

    assert lacking == "it lacks org.opencontainers.image.revision, org.opencontainers.image.source"
    with pytest.raises(SmokeFailed, match="facts of the image") as caught:
        told(world, app, image, FactsPolicy(mode="fail"))
    assert caught.value.hint.endswith("invoke build --no-cache smoke")  # a plain build finds that nothing has changed


def test_a_specimen_with_a_secret_in_its_history(
    world: World, app: App, client: docker.DockerClient, python_image: str, project_name: str
) -> None:
    """A build argument with a secret stands in the history, in the layer's line and in the one that declares it."""
    value = secrets.token_hex(8)
    (app.context / "Dockerfile").write_text(
        f"FROM {python_image}\nLABEL seatrial.project={project_name}\nARG DEPLOY_TOKEN\nARG SIGNING_KEY={value}\n"
        f"RUN export PGPASSWORD={value} && true\nRUN true --password {value}\n"
    )
    labels = {"seatrial.project": project_name}
    made, _ = client.images.build(path=str(app.context), buildargs={"DEPLOY_TOKEN": value}, labels=labels, rm=True)
    image = world.engine.image(str(made.id))
    assert image is not None

    told = problems(collect_facts(world, app, image))["secrets"]

    for name in ("DEPLOY_TOKEN", "SIGNING_KEY", "PGPASSWORD", "--password"):
        assert name.lstrip("-") in told
    assert "history line" in told
    assert value not in told


def test_files_are_looked_through_once(world: World, app: App, specimens: Specimens) -> None:
    """What was found among an image's files is noted by its id; a damaged note is none."""
    image = specimens.make(GOOD, file("/app/su", 0o4755))
    first = collect_facts(world, app, image)
    (note,) = (world.state.folder / "facts").glob("*.json")

    note.write_text(note.read_text().replace("/app/su", "/app/noted"))
    assert "/app/noted" in problems(collect_facts(world, app, image))["setuid"]
    note.write_text(json.dumps({**json.loads(note.read_text()), "setuid": 3}))
    assert collect_facts(world, app, image) == first


def test_files_that_nobody_asks_for_are_not_looked_through(world: World, app: App, specimens: Specimens) -> None:
    """Where all that files can tell is accepted, they are left alone."""
    lenient = replace(app, facts=FactsPolicy(allowed=("writable", "setuid")))

    assert problems(collect_facts(world, lenient, specimens.make(GOOD, file("/app/su", 0o4755)))) == {}
    assert not (world.state.folder / "facts").exists()


def test_a_whole_image_is_looked_through_quickly(world: World, app: App, python_image: str) -> None:
    """6,000 files and 130 MB are read in about a second; the bound is wide for machines that are busy."""
    image = world.engine.image(python_image)
    assert image is not None
    began = time.monotonic()

    found = problems(collect_facts(world, app, image))

    assert time.monotonic() - began < 10
    assert "/usr/bin/" in found["setuid"]
    assert "writable" not in found


def told(world: World, app: App, image: Image, policy: FactsPolicy) -> tuple[str, list[str]]:
    """Return what came of holding an image to a policy, and which facts were told not to hold."""
    events: list[Event] = []
    words = enforce_policy(world, replace(app, facts=policy), image, events.append)
    return words, [event.check for event in events if isinstance(event, CheckResult) and event.problem]


def test_policies(world: World, app: App, specimens: Specimens) -> None:
    """`warn` tells, `fail` fails with each fact and its mend, `off` does not look; what is allowed is no matter."""
    image = specimens.make({**GOOD, "port": None}, file("/app/su", 0o4755))

    words, bad = told(world, app, image, FactsPolicy())
    assert words == "7 of 9 image facts hold, not: port, setuid"
    assert bad == [
        "image fact port (CIS 5.9, only needed ports)",
        "image fact setuid (CIS 4.8, no setuid and setgid permissions)",
    ]
    with pytest.raises(SmokeFailed) as caught:
        told(world, app, image, FactsPolicy(mode="fail", allowed=("size",)))
    assert caught.value.message == "2 of 8 facts of the image do not hold"
    assert caught.value.cause == "image-facts"
    assert "EXPOSE 8080" in caught.value.details[0]
    assert "CIS 4.8" in caught.value.details[1]
    assert "chmod a-s" in caught.value.details[1]
    both = ("setuid", "port")
    assert told(world, app, image, FactsPolicy(mode="fail", allowed=both)) == ("7 image facts hold", [])  # type: ignore[arg-type]
    assert told(world, app, image, FactsPolicy(mode="off")) == ("", [])


def test_the_twin_tells_no_facts(world: World, app: App) -> None:
    """Where an engine does not tell what an image is like, nothing is made up, and nothing passes that must hold."""
    twin = MemoryEngine()
    image = twin.image(twin.add("content", ImageReference.parse("web:1")))
    assert image is not None

    assert told(replace(world, engine=twin), app, image, FactsPolicy()) == ("", [])
    with pytest.raises(StepFailed, match="cannot be looked at"):
        told(replace(world, engine=twin), app, image, FactsPolicy(mode="fail"))
