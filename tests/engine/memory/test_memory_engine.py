"""The memory engine behaves like the real engine: every test runs on both."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.protocol import Engine
from seatrial.errors import ContainerFailed, RegistryUnavailable, StepFailed
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
    """A repeated build gives the same id; another page or label gives another id."""
    first = scenario.build()

    assert scenario.build() == first
    image = scenario.engine.image(scenario.name().familiar)
    assert image is not None
    assert (image.id, image.tags) == (first, (scenario.name().familiar,))
    assert image.labels.items() >= scenario.labels.items()
    assert scenario.build(page="other") != first
    assert scenario.engine.build(replace(scenario.request(), labels={**scenario.labels, "more": "1"}), quiet) != first


def test_a_name_moves_on(scenario: EngineScenario) -> None:
    """The image that loses its name to another is still found by its id, unless the engine removes it."""
    first = scenario.build()
    second = scenario.build(page="other")

    older = scenario.engine.image(first)
    assert (older is None) == scenario.removes_unnamed
    assert older is None or (older.id, older.tags) == (first, ())
    assert {image.id for image in scenario.engine.images(scenario.labels)} == ({first, second} if older else {second})


def test_names_come_and_go(scenario: EngineScenario) -> None:
    """An image may have several names, and is removed with the last one."""
    image_id = scenario.build()
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


def test_no_tag_means_latest(scenario: EngineScenario) -> None:
    """A name without a tag means the tag `latest`."""
    image_id = scenario.build()
    scenario.engine.tag(image_id, scenario.name("latest"))

    assert scenario.engine.inspect_image(scenario.name().name)["Id"] == image_id


@pytest.mark.parametrize(
    "action",
    [
        lambda scenario: scenario.engine.inspect_image(scenario.name().familiar),
        lambda scenario: scenario.engine.history(scenario.name().familiar),
        lambda scenario: list(
            scenario.engine.files(f"sha256:{'0' * 64}", name=f"{scenario.project}-files", labels=scenario.labels)
        ),
        lambda scenario: scenario.engine.tag(f"sha256:{'0' * 64}", scenario.name()),
        lambda scenario: scenario.engine.push(scenario.name(registry=scenario.host), None, quiet),
        lambda scenario: scenario.engine.pull(scenario.name(registry=scenario.host), None, quiet),
        lambda scenario: scenario.engine.create(scenario.spec(f"sha256:{'0' * 64}"), quiet),
        lambda scenario: scenario.engine.start(f"{scenario.project}-none"),
        lambda scenario: scenario.engine.rename(f"{scenario.project}-none", f"{scenario.project}-other"),
        lambda scenario: list(scenario.engine.logs(f"{scenario.project}-none")),
    ],
    ids=["inspect", "history", "files", "tag", "push", "pull", "create", "start", "rename", "logs"],
)
def test_missing_objects(scenario: EngineScenario, action: Callable[[EngineScenario], object]) -> None:
    """An action on a missing image or container fails."""
    with pytest.raises(StepFailed):
        action(scenario)


def test_missing_objects_are_not_found(scenario: EngineScenario) -> None:
    """Looking up a missing object finds nothing, and removing one does nothing."""
    assert scenario.engine.image(scenario.name().familiar) is None
    assert scenario.engine.images(scenario.labels) == []
    assert scenario.engine.container(f"{scenario.project}-none") is None
    assert scenario.engine.containers(scenario.labels) == []
    scenario.engine.stop(f"{scenario.project}-none", grace=1)
    scenario.engine.remove(f"{scenario.project}-none")
    scenario.engine.remove_volume(f"{scenario.project}-none")
    scenario.engine.untag(scenario.name())


def test_a_containers_life(scenario: EngineScenario) -> None:
    """A container is created, runs, answers on 127.0.0.1, stops, starts again and is removed."""
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


def test_a_running_container_is_removed(scenario: EngineScenario) -> None:
    """A running container can be removed."""
    container = scenario.started(scenario.build())

    scenario.engine.remove(container.id)

    assert scenario.engine.containers(scenario.labels) == []
    assert not answers(f"http://127.0.0.1:{container.ports[8080]}/")


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
    """A pushed image has a digest, and a pull brings the same image back."""
    image_id, name = scenario.build(), scenario.name(registry=scenario.host)
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


def test_a_registry_out_of_reach(scenario: EngineScenario) -> None:
    """Pushing to and pulling from a registry that does not run fails."""
    name = scenario.name(registry="localhost:1")
    scenario.engine.tag(scenario.build(), name)

    with pytest.raises(RegistryUnavailable):
        scenario.engine.push(name, None, quiet)
    with pytest.raises(RegistryUnavailable):
        scenario.engine.pull(name, None, quiet)
    scenario.engine.untag(name)
