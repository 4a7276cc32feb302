"""The memory engine behaves like the real engine: every test runs on both."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from msgspec.structs import replace

from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.protocol import Engine
from seatrial.errors import ContainerFailed, RegistryUnavailable, SeatrialError, StepFailed
from tests.conftest import answers, wait_until
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.registry import MemoryRegistry
from tests.engine.scenario import DOCKERFILE, EngineScenario, quiet


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.engine)])
def scenario(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EngineScenario]:
    """A scenario on each engine."""
    removes_unnamed = False
    if request.param == "docker":
        removes_unnamed = request.getfixturevalue("containerd_store")
        base = request.getfixturevalue("python_image")
        host = request.getfixturevalue("open_registry").host
        project = request.getfixturevalue("project_name")
        engine: Engine = DockerEngine()
    else:
        memory = MemoryEngine()
        base, host, project = "python:3", "localhost:5000", f"t{secrets.token_hex(5)}"
        memory.registries[host] = MemoryRegistry(host)
        engine = memory
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(base=base))
    yield EngineScenario(engine=engine, project=project, host=host, context=tmp_path, removes_unnamed=removes_unnamed)
    for container in engine.containers({"seatrial.project": project}):
        engine.remove(container.id)
    engine.close()


def test_the_same_build_gives_the_same_image(scenario: EngineScenario) -> None:
    """A repeated build gives the same id; another page or label gives another id.

    The image that loses its name to another is still found by its id, unless the engine removes it.
    """
    first = scenario.build()

    assert scenario.build() == first
    image = scenario.engine.image(scenario.name().familiar)
    assert image is not None
    assert (image.id, image.tags) == (first, (scenario.name().familiar,))
    assert image.labels.items() >= scenario.labels.items()
    second = scenario.build(page="other")
    assert second != first
    older = scenario.engine.image(first)
    assert (older is None) == scenario.removes_unnamed
    assert older is None or (older.id, older.tags) == (first, ())
    assert {image.id for image in scenario.engine.images(scenario.labels)} == ({first, second} if older else {second})
    assert scenario.engine.build(replace(scenario.request(), labels={**scenario.labels, "more": "1"}), quiet) != first


def test_names_come_and_go(scenario: EngineScenario) -> None:
    """An image may have several names, and is removed with the last one; a name without a tag means `latest`."""
    image_id = scenario.build()
    scenario.engine.tag(image_id, scenario.name("latest"))
    assert scenario.engine.inspect_image(scenario.name().name)["Id"] == image_id
    scenario.engine.untag(scenario.name("latest"))
    scenario.engine.tag(image_id, scenario.name("2"))
    scenario.engine.tag(image_id, scenario.name("2"))
    image = scenario.engine.image(image_id)
    assert image is not None
    assert sorted(image.tags) == [scenario.name("1").familiar, scenario.name("2").familiar]

    scenario.engine.untag(scenario.name("1"))
    assert scenario.engine.image(scenario.name("1").familiar) is None
    assert scenario.engine.image(scenario.name("2").familiar) is not None
    scenario.engine.untag(scenario.name("2"))
    scenario.engine.untag(scenario.name("2"))
    assert scenario.engine.image(image_id) is None


def test_missing_objects(scenario: EngineScenario) -> None:
    """An action on a missing image or container fails; looking for one finds nothing, and removing one does nothing."""
    engine, name, none = scenario.engine, scenario.name(registry=scenario.host), f"{scenario.project}-none"
    missing, away = f"sha256:{'0' * 64}", scenario.name(registry="localhost:1")
    actions: tuple[tuple[Callable[[], object], type[SeatrialError]], ...] = (
        (lambda: engine.inspect_image(name.familiar), StepFailed),
        (lambda: engine.history(name.familiar), StepFailed),
        (lambda: list(engine.files(none)), StepFailed),
        (lambda: engine.tag(missing, name), StepFailed),
        (lambda: engine.push(name, None, quiet), StepFailed),
        (lambda: engine.pull(name, None, quiet), StepFailed),
        (lambda: engine.pull(away, None, quiet), RegistryUnavailable),
        (lambda: engine.create(scenario.spec(missing), quiet), StepFailed),
        (lambda: engine.start(none), StepFailed),
        (lambda: engine.rename(none, f"{scenario.project}-other"), StepFailed),
        (lambda: list(engine.logs(none)), StepFailed),
    )
    for action, kind in actions:
        with pytest.raises(kind):
            action()
    assert (engine.image(name.familiar), engine.images(scenario.labels)) == (None, [])
    assert (engine.container(none), engine.containers(scenario.labels)) == (None, [])
    engine.stop(none, grace=1)
    engine.remove(none)
    engine.remove_volume(none)
    engine.untag(name)


def test_a_containers_life(scenario: EngineScenario) -> None:
    """A container is created, runs, answers on 127.0.0.1, stops, starts again and is removed, running or not."""
    image_id = scenario.build()
    made = scenario.engine.create(scenario.spec(image_id), quiet)
    created = scenario.engine.container(made)
    assert created is not None
    assert (created.state, created.running, dict(created.ports)) == ("created", False, {})
    assert (created.image_id, created.name) == (image_id, f"{scenario.project}-one")

    for _ in range(2):
        scenario.engine.start(made)
        scenario.engine.start(made)
        running = scenario.engine.container(f"{scenario.project}-one")
        assert running is not None
        assert (running.id, running.state) == (made, "running")
        url = f"http://127.0.0.1:{running.ports[8080]}/page"
        wait_until(lambda url=url: answers(url))  # type: ignore[misc]
        assert requests.get(url, timeout=5).text == "hello"

        scenario.engine.stop(made, grace=5)
        scenario.engine.stop(made, grace=5)
        ended = scenario.engine.container(made)
        assert ended is not None
        assert (ended.state, dict(ended.ports)) == ("exited", {})
        assert not answers(url)

    scenario.engine.remove(made)
    assert scenario.engine.container(made) is None
    running = scenario.started(image_id)
    scenario.engine.remove(running.id)
    assert scenario.engine.containers(scenario.labels) == []
    assert not answers(f"http://127.0.0.1:{running.ports[8080]}/")


def test_a_name_is_taken_once(scenario: EngineScenario) -> None:
    """Two containers never have the same name, neither by creation nor by renaming."""
    image_id = scenario.build()
    first = scenario.engine.create(scenario.spec(image_id, "one"), quiet)
    second = scenario.engine.create(scenario.spec(image_id, "two"), quiet)

    with pytest.raises(ContainerFailed) as caught:
        scenario.engine.create(scenario.spec(image_id, "one"), quiet)
    assert caught.value.cause == "name-taken"
    with pytest.raises(StepFailed):
        scenario.engine.rename(second, f"{scenario.project}-one")

    scenario.engine.rename(first, f"{scenario.project}-three")
    scenario.engine.rename(second, f"{scenario.project}-one")
    found = scenario.engine.container(f"{scenario.project}-one")
    assert found is not None
    assert found.id == second


def test_a_port_that_is_taken(scenario: EngineScenario) -> None:
    """A container whose port is taken does not start, and still exists."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        made = scenario.engine.create(scenario.spec(scenario.build(), host_port=holder.getsockname()[1]), quiet)

        with pytest.raises(ContainerFailed) as caught:
            scenario.engine.start(made)
    assert caught.value.cause == "port-taken"

    container = scenario.engine.container(made)
    assert container is not None
    assert not container.running


def test_containers_by_their_labels(scenario: EngineScenario) -> None:
    """Containers are found by their labels, in any state."""
    image_id = scenario.build()
    running = scenario.started(image_id)
    created = scenario.engine.create(scenario.spec(image_id, "two"), quiet)

    assert {one.id for one in scenario.engine.containers(scenario.labels)} == {running.id, created}
    assert [one.id for one in scenario.engine.containers({**scenario.labels, "role": "two"})] == [created]
    assert scenario.engine.containers({**scenario.labels, "role": "three"}) == []


def test_pushed_and_pulled(scenario: EngineScenario) -> None:
    """A pushed image has a digest, and a pull brings the same image back; a registry that does not run is named."""
    image_id, name = scenario.build(), scenario.name(registry=scenario.host)
    away = scenario.name(registry="localhost:1")
    scenario.engine.tag(image_id, away)
    with pytest.raises(RegistryUnavailable):
        scenario.engine.push(away, None, quiet)
    scenario.engine.untag(away)
    scenario.engine.tag(image_id, name)

    scenario.engine.push(name, None, quiet)

    pushed = scenario.engine.image(image_id)
    assert pushed is not None
    assert name.name in [digest.partition("@")[0] for digest in pushed.digests]
    scenario.engine.untag(name)
    scenario.engine.untag(scenario.name())
    assert scenario.engine.image(image_id) is None
    scenario.engine.pull(name, None, quiet)
    pulled = scenario.engine.image(name.familiar)
    assert pulled is not None
    assert (pulled.id, pulled.labels) == (image_id, pushed.labels)
    assert set(pulled.digests) <= set(pushed.digests)
    scenario.engine.untag(name)
