"""The twin in memory answers as the real engine does: every sentence here is put to both."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.memory.engine import MemoryEngine
from seatrial.engine.memory.registry import MemoryRegistry
from seatrial.engine.protocol import Engine
from seatrial.errors import ContainerFailed, RegistryUnavailable, StepFailed
from tests.conftest import answers, wait_until
from tests.engine.yard import DOCKERFILE, Yard, quiet


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.engine)])
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Yard]:
    """A yard on each engine."""
    lets_go = False
    if request.param == "docker":
        lets_go = request.getfixturevalue("containerd_store")
        base = request.getfixturevalue("python_image")
        host = request.getfixturevalue("open_registry").host
        project = request.getfixturevalue("project_name")
        engine: Engine = DockerEngine()
    else:
        twin = MemoryEngine()
        base, host, project = "python:3", "localhost:5000", f"t{secrets.token_hex(5)}"
        twin.registries[host] = MemoryRegistry(host)
        engine = twin
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(base=base))
    yield Yard(engine=engine, project=project, host=host, context=tmp_path, lets_go=lets_go)
    for container in engine.containers({"seatrial.project": project}):
        engine.remove(container.id)
    engine.close()


def test_the_same_build_gives_the_same_image(yard: Yard) -> None:
    """A build that is repeated gives the id it gave; another page, label or argument gives another one."""
    first = yard.build()

    assert yard.build() == first
    image = yard.engine.image(yard.name().familiar)
    assert image is not None
    assert (image.id, image.tags) == (first, (yard.name().familiar,))
    assert image.labels.items() >= yard.labels.items()
    assert yard.build(page="other") != first
    assert yard.engine.build(replace(yard.request(), labels={**yard.labels, "more": "1"}), quiet) != first


def test_a_name_moves_on(yard: Yard) -> None:
    """The image that had a name before goes on without it, and is still found by its id, or it goes, too."""
    first = yard.build()
    second = yard.build(page="other")

    older = yard.engine.image(first)
    assert (older is None) == yard.lets_go
    assert older is None or (older.id, older.tags) == (first, ())
    assert {image.id for image in yard.engine.images(yard.labels)} == ({first, second} if older else {second})


def test_names_come_and_go(yard: Yard) -> None:
    """An image may have many names, and goes with the last of them."""
    image_id = yard.build()
    yard.engine.tag(image_id, yard.name("2"))
    yard.engine.tag(image_id, yard.name("2"))
    image = yard.engine.image(image_id)
    assert image is not None
    assert sorted(image.tags) == [yard.name("1").familiar, yard.name("2").familiar]

    yard.engine.untag(yard.name("1"))
    assert yard.engine.image(yard.name("1").familiar) is None
    assert yard.engine.image(yard.name("2").familiar) is not None
    yard.engine.untag(yard.name("2"))
    yard.engine.untag(yard.name("2"))
    assert yard.engine.image(image_id) is None


def test_no_tag_means_latest(yard: Yard) -> None:
    """A name without a tag is the one with `latest`."""
    image_id = yard.build()
    yard.engine.tag(image_id, yard.name("latest"))

    assert yard.engine.inspect_image(yard.name().name)["Id"] == image_id


@pytest.mark.parametrize(
    "ask",
    [
        lambda yard: yard.engine.inspect_image(yard.name().familiar),
        lambda yard: yard.engine.history(yard.name().familiar),
        lambda yard: list(yard.engine.files(f"sha256:{'0' * 64}", name=f"{yard.project}-look", labels=yard.labels)),
        lambda yard: yard.engine.tag(f"sha256:{'0' * 64}", yard.name()),
        lambda yard: yard.engine.push(yard.name(registry=yard.host), None, quiet),
        lambda yard: yard.engine.pull(yard.name(registry=yard.host), None, quiet),
        lambda yard: yard.engine.create(yard.spec(f"sha256:{'0' * 64}"), quiet),
        lambda yard: yard.engine.start(f"{yard.project}-none"),
        lambda yard: yard.engine.rename(f"{yard.project}-none", f"{yard.project}-other"),
        lambda yard: list(yard.engine.logs(f"{yard.project}-none")),
    ],
    ids=["inspect", "history", "files", "tag", "push", "pull", "create", "start", "rename", "logs"],
)
def test_what_is_not_there(yard: Yard, ask: Callable[[Yard], object]) -> None:
    """Work on what is not there fails."""
    with pytest.raises(StepFailed):
        ask(yard)


def test_looks_at_what_is_not_there(yard: Yard) -> None:
    """A look at what is not there finds nothing, and to end what is not there is fine."""
    assert yard.engine.image(yard.name().familiar) is None
    assert yard.engine.images(yard.labels) == []
    assert yard.engine.container(f"{yard.project}-none") is None
    assert yard.engine.containers(yard.labels) == []
    yard.engine.stop(f"{yard.project}-none", grace=1)
    yard.engine.remove(f"{yard.project}-none")
    yard.engine.remove_volume(f"{yard.project}-none")
    yard.engine.untag(yard.name())


def test_a_containers_life(yard: Yard) -> None:
    """A container is created, runs, answers on 127.0.0.1, ends, starts again and goes."""
    image_id = yard.build()
    made = yard.engine.create(yard.spec(image_id), quiet)
    created = yard.engine.container(made)
    assert created is not None
    assert (created.state, created.running, dict(created.ports)) == ("created", False, {})
    assert (created.image_id, created.name) == (image_id, f"{yard.project}-one")

    for _ in range(2):
        yard.engine.start(made)
        yard.engine.start(made)
        running = yard.engine.container(f"{yard.project}-one")
        assert running is not None
        assert (running.id, running.state) == (made, "running")
        url = f"http://127.0.0.1:{running.ports[8080]}/page"
        wait_until(lambda url=url: answers(url))  # type: ignore[misc]
        assert requests.get(url, timeout=5).text == "hello"

        yard.engine.stop(made, grace=5)
        yard.engine.stop(made, grace=5)
        ended = yard.engine.container(made)
        assert ended is not None
        assert (ended.state, dict(ended.ports)) == ("exited", {})
        assert not answers(url)

    yard.engine.remove(made)
    assert yard.engine.container(made) is None


def test_a_running_container_is_removed(yard: Yard) -> None:
    """A container that runs can be removed."""
    container = yard.started(yard.build())

    yard.engine.remove(container.id)

    assert yard.engine.containers(yard.labels) == []
    assert not answers(f"http://127.0.0.1:{container.ports[8080]}/")


def test_a_name_is_taken_once(yard: Yard) -> None:
    """Two containers never have one name: neither created nor renamed."""
    image_id = yard.build()
    first = yard.engine.create(yard.spec(image_id, "one"), quiet)
    second = yard.engine.create(yard.spec(image_id, "two"), quiet)

    with pytest.raises(ContainerFailed, match="is taken by another container") as caught:
        yard.engine.create(yard.spec(image_id, "one"), quiet)
    assert caught.value.cause == "name-taken"
    with pytest.raises(StepFailed):
        yard.engine.rename(second, f"{yard.project}-one")

    yard.engine.rename(first, f"{yard.project}-three")
    yard.engine.rename(second, f"{yard.project}-one")
    found = yard.engine.container(f"{yard.project}-one")
    assert found is not None
    assert found.id == second


def test_a_port_that_is_taken(yard: Yard) -> None:
    """A container whose port somebody holds does not start, and is still there."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        made = yard.engine.create(yard.spec(yard.build(), host_port=holder.getsockname()[1]), quiet)

        with pytest.raises(ContainerFailed, match="the port is taken"):
            yard.engine.start(made)

    container = yard.engine.container(made)
    assert container is not None
    assert not container.running


def test_containers_by_their_labels(yard: Yard) -> None:
    """Containers are found by all their labels, whatever their state."""
    image_id = yard.build()
    running = yard.started(image_id)
    created = yard.engine.create(yard.spec(image_id, "two"), quiet)

    assert {one.id for one in yard.engine.containers(yard.labels)} == {running.id, created}
    assert [one.id for one in yard.engine.containers({**yard.labels, "berth": "two"})] == [created]
    assert yard.engine.containers({**yard.labels, "berth": "three"}) == []


def test_pushed_and_pulled(yard: Yard) -> None:
    """What was pushed is known by its digest, and a pull brings the very same image back."""
    image_id, name = yard.build(), yard.name(registry=yard.host)
    yard.engine.tag(image_id, name)

    yard.engine.push(name, None, quiet)

    pushed = yard.engine.image(image_id)
    assert pushed is not None
    assert name.name in [digest.partition("@")[0] for digest in pushed.digests]
    yard.engine.untag(name)
    yard.engine.untag(yard.name())
    assert yard.engine.image(image_id) is None
    yard.engine.pull(name, None, quiet)
    pulled = yard.engine.image(name.familiar)
    assert pulled is not None
    assert (pulled.id, pulled.labels) == (image_id, pushed.labels)
    assert set(pulled.digests) <= set(pushed.digests)
    yard.engine.untag(name)


def test_a_registry_out_of_reach(yard: Yard) -> None:
    """A registry that nobody runs is not there, whether pushed to or pulled from."""
    name = yard.name(registry="localhost:1")
    yard.engine.tag(yard.build(), name)

    with pytest.raises(RegistryUnavailable):
        yard.engine.push(name, None, quiet)
    with pytest.raises(RegistryUnavailable):
        yard.engine.pull(name, None, quiet)
    yard.engine.untag(name)
