"""The socket engine gives the same answers as the SDK, and loads it only if necessary."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.docker.socket_engine import connect
from seatrial.engine.model import EngineInfo, Image
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
    assert not socket_engine._connection.is_open
    engine.close()


@pytest.mark.engine
def test_the_sdk_is_not_loaded_for_nothing(project: Project) -> None:
    """A build with nothing to do does not import docker, requests, rich and urllib3."""
    assert project.invoke("build", "--version", "1").code == 0
    script = (
        "import sys; sys.argv = ['invoke', 'build', '--version', '1']\n"
        "from invoke.main import program\n"
        "program.run(exit=False)\n"
        "print(sorted({'docker', 'requests', 'rich', 'urllib3'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project.folder, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("ok      build")
    assert done.stdout.endswith("[]\n")


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
