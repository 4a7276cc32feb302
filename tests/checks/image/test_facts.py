"""Each image check with images that fail it, and what each policy does with the results."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from msgspec.structs import replace

from seatrial.checks.image.facts import Fact, collect_facts, enforce_policy
from seatrial.checks.image.file_scan import FileScan
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.model import ContainerSpec, Image, ImageFile
from seatrial.engine.protocol import Engine
from seatrial.errors import SmokeFailed, StepFailed
from seatrial.events import CheckResult, Event
from seatrial.host.signals import temporary
from seatrial.model.app import App
from seatrial.model.facts_policy import FactsPolicy
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.model import Registry
from tests.engine.memory.engine import MemoryEngine
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
    """A world with the real engine and an empty state folder."""
    return World(engine=engine, registry=_no_registry, state=StateFolder(tmp_path / "notes"))


@pytest.fixture
def app(project_name: str, tmp_path: Path) -> App:
    """An app on port 8080, outside any git repository."""
    return make_app(project_name, tmp_path / "app", "scratch", 8080)


@pytest.fixture
def specimens(engine: Engine, project_name: str, tmp_path: Path) -> Specimens:
    """Images of this test's project."""
    return Specimens(engine=engine, project=project_name, folder=tmp_path)


def _no_registry(host: str) -> Registry:
    raise AssertionError(host)


def scan_of(world: World, app: App, image: Image) -> FileScan:
    """Return the scan of an image's files, as they are in a container of it that never starts."""
    scan = FileScan(world, app, image)
    spec = ContainerSpec(name=f"{app.project}-scanned", image_id=image.id, labels=app.labels, port=app.port)
    with temporary(lambda: world.engine.create(spec, lambda _: None), lambda: world.engine.remove(spec.name)):
        if reading := scan.begin(spec.name):
            reading.wait()
    return scan


def facts_of(world: World, app: App, image: Image) -> tuple[Fact, ...]:
    """Return the results of the image checks."""
    return collect_facts(world, app, scan_of(world, app, image))


def problems(facts: tuple[Fact, ...]) -> dict[str, str]:
    """Return the problems by the check's name."""
    return {fact.name: fact.problem for fact in facts if fact.problem}


def test_a_good_image_passes_all(world: World, app: App, specimens: Specimens) -> None:
    """A good image passes every check, and every check has a hint."""
    facts = facts_of(world, app, specimens.make())

    assert problems(facts) == {}
    assert [fact.name for fact in facts] == NAMES
    assert all(fact.hint for fact in facts)


@pytest.mark.parametrize(
    ("name", "says", "files", "identity"),
    [
        ("user", {"user": None}, [], "root"),
        ("user", {"user": "USER 10001"}, [], "group"),
        ("port", {"port": "EXPOSE 8080/udp"}, [], "8080/udp"),
        ("healthcheck", {"healthcheck": None}, [], "HEALTHCHECK"),
        ("healthcheck", {"healthcheck": "HEALTHCHECK NONE"}, [], "HEALTHCHECK"),
        ("secrets", {"more": "LABEL db.password=bound4rio"}, [], "LABEL db.password"),
        ("secrets", {"more": "ENV DATABASE=postgres://web:bound4rio@db/web"}, [], "a URL with a password in ENV DATA"),
        ("setuid", {}, [file("/app/su", 0o6755), file("/app/wall", 0o2755)], "/app/su, /app/wall"),
        ("writable", {}, [file("/app/mine", 0o444, uid=10001)], "/app/mine"),
        ("writable", {}, [file("/app/ours", 0o664, gid=10001)], "/app/ours"),
        ("writable", {}, [file("/app/everybodys", 0o666)], "/app/everybodys"),
        ("writable", {}, [folder("/srv", 0o777)], "/srv"),
        ("writable", {}, [folder("/srv", 0o1777, uid=10001)], "/srv"),
        ("labels", {"title": None}, [], "org.opencontainers.image.title"),
        ("labels", {"version": "LABEL org.opencontainers.image.version="}, [], "org.opencontainers.image.version"),
    ],
)
def test_an_image_with_one_fault(
    world: World,
    app: App,
    specimens: Specimens,
    name: str,
    says: dict[str, str | None],
    files: list[ImageFile],
    identity: str,
) -> None:
    """An image with one fault fails exactly one check, and no secret's value is shown."""
    found = problems(facts_of(world, app, specimens.make({**GOOD, **says}, *files)))

    assert list(found) == [name]
    assert identity in found[name]
    assert "bound4rio" not in str(found)


def test_an_image_from_a_list(world: World, app: App, specimens: Specimens) -> None:
    """An image that a list of the engine describes, without its configuration, is checked for its own user."""
    specimens.make(GOOD, file("/app/mine", 0o644, uid=10001))
    (listed,) = world.engine.images({"seatrial.project": app.project})

    assert listed.config is None
    assert list(problems(facts_of(world, app, listed))) == ["writable"]


def test_an_image_above_its_budget(world: World, app: App, specimens: Specimens) -> None:
    """An image larger than its budget fails the size check; an image of exactly that size passes."""
    image = specimens.make()
    small = app.but(facts=FactsPolicy(budget=image.size - 1))
    exact = app.but(facts=FactsPolicy(budget=image.size))

    assert f"({image.size - 1:,} bytes)" in problems(facts_of(world, small, image))["size"]
    assert problems(facts_of(world, exact, image)) == {}


def test_an_image_from_a_git_repository(world: World, app: App, specimens: Specimens) -> None:
    """If git knows the commit and the source, the image needs labels with them."""
    git(app.context, "init", "-q")
    git(app.context, "add", "-A")
    git(app.context, "commit", "-qm", "one")
    git(app.context, "remote", "add", "origin", "https://code.test/web.git")
    image = specimens.make()

    problem = problems(facts_of(world, app, image))["labels"]

    assert problem.endswith(" org.opencontainers.image.revision, org.opencontainers.image.source")
    with pytest.raises(SmokeFailed) as caught:
        enforce(world, app, image, FactsPolicy(mode="fail"))
    assert caught.value.hint.endswith("invoke build --no-cache smoke")  # a build with the cache would keep the image


def test_an_image_with_a_secret_in_its_history(
    world: World, app: App, client: docker.DockerClient, python_image: str, project_name: str
) -> None:
    """A secret build argument is found in the history, in the ARG line and in the lines that use it."""
    value = secrets.token_hex(8)
    (app.context / "Dockerfile").write_text(
        f"FROM {python_image}\nLABEL seatrial.project={project_name}\nARG DEPLOY_TOKEN\nARG SIGNING_KEY={value}\n"
        f"RUN export PGPASSWORD={value} && true\nRUN true --password {value}\n"
    )
    labels = {"seatrial.project": project_name}
    made, _ = client.images.build(path=str(app.context), buildargs={"DEPLOY_TOKEN": value}, labels=labels, rm=True)
    image = world.engine.image(str(made.id))
    assert image is not None

    problem = problems(facts_of(world, app, image))["secrets"]

    for name in ("DEPLOY_TOKEN", "SIGNING_KEY", "PGPASSWORD", "--password"):
        assert f"{name.lstrip('-')} in history line " in problem
    assert value not in problem


def test_files_are_scanned_once(world: World, app: App, specimens: Specimens) -> None:
    """The scan of an image's files is recorded by its id; a damaged record is ignored."""
    image = specimens.make(GOOD, file("/app/su", 0o4755))
    first = facts_of(world, app, image)
    (record,) = (world.state.folder / "facts").glob("*.json")

    record.write_text(record.read_text().replace("/app/su", "/app/recorded"))
    assert "/app/recorded" in problems(facts_of(world, app, image))["setuid"]
    record.write_text(json.dumps({**json.loads(record.read_text()), "setuid": 3}))
    assert facts_of(world, app, image) == first


def test_files_are_not_scanned_without_need(world: World, app: App, specimens: Specimens) -> None:
    """If both checks of files may fail, the files are not scanned."""
    lenient = app.but(facts=FactsPolicy(allowed=("writable", "setuid")))

    assert problems(facts_of(world, lenient, specimens.make(GOOD, file("/app/su", 0o4755)))) == {}
    assert not (world.state.folder / "facts").exists()


def enforce(world: World, app: App, image: Image, policy: FactsPolicy) -> tuple[str, list[str]]:
    """Return the summary of the image checks under a policy, and the names of those that failed."""
    events: list[Event] = []
    app = app.but(facts=policy)
    summary = enforce_policy(world, app, image, scan_of(world, app, image), events.append)
    return summary, [event.check.split()[2] for event in events if isinstance(event, CheckResult) and event.problem]


def test_policies(world: World, app: App, specimens: Specimens) -> None:
    """`warn` reports failed checks, `fail` fails with a hint for each, `off` runs none; allowed checks do not run."""
    image = specimens.make({**GOOD, "port": None}, file("/app/su", 0o4755))

    summary, failed = enforce(world, app, image, FactsPolicy())
    assert summary.endswith("port, setuid")
    assert failed == ["port", "setuid"]
    with pytest.raises(SmokeFailed) as caught:
        enforce(world, app, image, FactsPolicy(mode="fail", allowed=("size",)))
    assert re.findall(r"\d+", caught.value.message) == ["2", "8"]
    assert caught.value.cause == "image-facts"
    assert "EXPOSE 8080" in caught.value.details[0]
    assert "CIS 4.8" in caught.value.details[1]
    assert "chmod a-s" in caught.value.details[1]
    summary, failed = enforce(world, app, image, FactsPolicy(mode="fail", allowed=("setuid", "port")))
    assert (re.findall(r"\d+", summary), failed) == (["7"], [])
    assert enforce(world, app, image, FactsPolicy(mode="off")) == ("", [])


def test_an_engine_without_the_configuration(world: World, app: App) -> None:
    """If an engine does not report an image's configuration, no check runs, which fails under `fail`."""
    memory = MemoryEngine()
    image = memory.image(memory.add("content", ImageReference.parse("web:1")))
    assert image is not None

    assert enforce(replace(world, engine=memory), app, image, FactsPolicy()) == ("", [])
    with pytest.raises(StepFailed) as caught:
        enforce(replace(world, engine=memory), app, image, FactsPolicy(mode="fail"))
    assert image.id in caught.value.reason
