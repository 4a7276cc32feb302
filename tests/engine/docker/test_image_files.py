"""The files of an image are read from a temporary container, which is always removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import docker
import pytest

from seatrial.engine.connection import Connection
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.model import ContainerSpec
from seatrial.engine.protocol import Engine
from seatrial.errors import EngineUnavailable, StepFailed
from seatrial.host.signals import temporary
from seatrial.model.app import SMOKE_LABEL
from tests.image_specimens import GOOD, Specimens, file
from tests.servers.engine_proxy import Stall, engine_proxy
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The real engine."""
    found = DockerEngine()
    yield found
    found.close()


@pytest.fixture
def specimens(engine: Engine, project_name: str, tmp_path: Path) -> Specimens:
    """A factory of images."""
    return Specimens(engine=engine, project=project_name, folder=tmp_path)


@pytest.fixture
def smoke_containers(client: docker.DockerClient, project_name: str) -> Callable[[], list[Mapping[str, str]]]:
    """A function that returns the labels of the project's temporary containers."""
    wanted = {"label": [f"seatrial.project={project_name}", f"{SMOKE_LABEL}=1"]}
    return lambda: [one.labels for one in client.containers.list(all=True, filters=wanted)]


def test_no_container_is_left(
    engine: Engine, specimens: Specimens, project_name: str, smoke_containers: Callable[[], list[Mapping[str, str]]]
) -> None:
    """The container has its labels while files are read, and is removed afterwards, also when reading stops early."""
    image, labels = specimens.make(), {"seatrial.project": project_name, SMOKE_LABEL: "1", "seatrial.pid": "7"}

    files = engine.files(image.id, name=f"{project_name}-files", labels=labels)
    assert smoke_containers() == []
    next(files)
    assert [one["seatrial.pid"] for one in smoke_containers()] == ["7"]
    files.close()
    assert smoke_containers() == []
    found = {one.path: one for one in engine.files(image.id, name=f"{project_name}-files", labels=labels)}
    assert smoke_containers() == []
    assert found["/app/" + "long" * 60] == file("/app/" + "long" * 60, 0o640, 0, 10001)
    assert (found["/app/link"].kind, found["/var/spool"].mode) == ("link", 0o1777)


def test_another_container_of_that_name(engine: Engine, specimens: Specimens, project_name: str) -> None:
    """A container that already has the name belongs to somebody else and stays."""
    image, labels = specimens.make({**GOOD, "command": "CMD never"}), {"seatrial.project": project_name}
    name = f"{project_name}-files"
    spec = ContainerSpec(name=name, image_id=image.id, labels=labels, port=8080)
    with temporary(lambda: engine.create(spec, lambda _: None), lambda: engine.remove(name)):
        theirs = engine.container(name)

        with pytest.raises(StepFailed):
            list(engine.files(image.id, name=name, labels={**labels, "seatrial.run": "mine"}))

        assert engine.container(name) == theirs


@pytest.mark.timeout(60)
def test_an_engine_that_falls_silent(
    engine: Engine, specimens: Specimens, project_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent engine ends the reading of files and programs after the timeout; no container is left."""
    image = specimens.make({**GOOD, "command": 'CMD ["/app/check"]'})
    name, labels = f"{project_name}-files", {"seatrial.project": project_name}
    stalls = Stall(method="GET", path="/export"), Stall(method="GET", path="/archive")
    with engine_proxy(*stalls) as proxy:
        monkeypatch.setenv("DOCKER_HOST", proxy.docker_host)
        connection = Connection()
        connection.client.timeout = 1
        slow = DockerEngine(connection)
        with pytest.raises(EngineUnavailable):
            list(slow.files(image.id, name=name, labels=labels))
        spec = ContainerSpec(name=name, image_id=image.id, labels=labels, port=8080)
        with temporary(lambda: engine.create(spec, lambda _: None), lambda: engine.remove(name)):
            engine.start(name)
            wait_until(lambda: (found := engine.container(name)) is not None and found.state == "exited")
            with pytest.raises(EngineUnavailable):
                slow.inspect_container(name)
        slow.close()
