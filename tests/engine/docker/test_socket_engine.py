"""The socket engine gives the same answers as the SDK, and loads it only if necessary."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.docker.socket_engine import connect
from seatrial.engine.inspection import HealthTest
from seatrial.engine.model import ContainerSpec, EngineInfo, Image
from seatrial.engine.protocol import Engine
from seatrial.errors import StepFailed
from seatrial.model.reference import ImageReference
from seatrial.settings.variables import environment
from tests.cli_project import Project


@pytest.mark.engine
def test_images(python_image: str) -> None:
    """An image by name, by id, in the list, and a missing one are described as by the SDK."""
    engine, socket_engine = DockerEngine(), connect(environment())
    known = engine.image(python_image)
    assert known
    for name_or_id in (python_image, known.id, "no/such:image", "localhost:1/no/such:image", f"{python_image}x"):
        assert socket_engine.image(name_or_id) == engine.image(name_or_id)
    listed = [[one for one in found.images() if one.id == known.id] for found in (engine, socket_engine)]
    assert listed[0] == listed[1] != []
    assert socket_engine.images({"seatrial.project": "no/such"}) == []
    assert socket_engine.history(known.id) == engine.history(known.id) != []
    assert (socket_engine.info().version, socket_engine.endpoint) == (engine.info().version, engine.endpoint)
    assert socket_engine._connection._client is None
    engine.close()


@pytest.mark.engine
def test_what_the_engine_refuses() -> None:
    """What cannot be done is told in the same words and with the same status as by the SDK; absent things are gone."""
    name, socket_engine = ImageReference.parse("localhost:1/no/such:1"), connect(environment())
    calls: tuple[Callable[[Engine], object], ...] = (
        lambda engine: engine.tag("sha256:" + "0" * 64, name),
        lambda engine: engine.start("no-such-container"),
        lambda engine: engine.rename("no-such-container", "another"),
        lambda engine: engine.create(ContainerSpec(name="no/such", image_id="sha256:1", port=1, host_port=0), print),
        lambda engine: engine.run_health_test("no-such-container", HealthTest(command=("true",))),
        lambda engine: [*engine.logs("no-such-container", tail=1)],
        lambda engine: engine.push(name, None, print),
    )
    for call in calls:
        refused = [_error(call, engine) for engine in (DockerEngine(), socket_engine)]
        assert refused[0] == refused[1]
    socket_engine.stop("no-such-container", grace=1)
    socket_engine.remove("no-such-container")
    assert socket_engine._connection._client is None
    assert socket_engine.program_file("no-such-container") is None


def _error(call: Callable[[Engine], object], engine: Engine) -> tuple[object, ...]:
    with pytest.raises(StepFailed) as raised:
        call(engine)
    error = raised.value
    return type(error), error.message, error.reason, error.cause, getattr(error, "status", 0)


@pytest.mark.engine
def test_the_sdk_is_not_loaded_for_nothing(project: Project) -> None:
    """A build and its smoke test import neither docker nor requests; with nothing to do, no urllib3 either."""
    assert _loaded(project, "build", "smoke") == "['urllib3']"
    assert _loaded(project, "build") == "[]"


def _loaded(project: Project, *tasks: str) -> str:
    """Return which of the large libraries are loaded for these tasks."""
    script = (
        f"import sys; sys.argv = ['invoke', *{[word for one in tasks for word in (one, '--version', '1')]}]\n"
        "from invoke.main import program\n"
        "program.run(exit=False)\n"
        "print(sorted({'docker', 'requests', 'rich', 'urllib3'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project.folder, capture_output=True, text=True, check=True, timeout=60
    )
    assert "failed=0" in done.stdout
    return done.stdout.splitlines()[-1]


@pytest.fixture(params=[b"", b"garbage", b"HTTP/1.1 500 Oops\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n[]", None])
def odd_endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A socket with an odd answer, or no socket at all."""
    path = tmp_path / "s"
    if request.param is None:
        yield f"unix://{path}"
        return
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(request.param)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"unix://{path}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_whatever_is_odd_goes_to_the_sdk(monkeypatch: pytest.MonkeyPatch, odd_endpoint: str) -> None:
    """After an odd answer the SDK is used."""
    image, info = Image(id="sha256:a"), EngineInfo(endpoint="", version="1", api="1.41")
    monkeypatch.setattr(DockerEngine, "image", lambda *_: image)
    monkeypatch.setattr(DockerEngine, "info", lambda *_: info)
    monkeypatch.setenv("DOCKER_HOST", odd_endpoint)
    socket_engine = connect(environment())
    assert socket_engine.image("x") is image
    assert socket_engine.info() is info
