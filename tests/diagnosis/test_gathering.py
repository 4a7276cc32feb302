"""The page behind a wrong answer is requested once more, and a port that is taken is reported."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from msgspec.structs import replace

from seatrial.checks.http.probe import Result
from seatrial.diagnosis.gathering import gather
from seatrial.engine.model import Container, Image
from seatrial.errors import ContainerFailed
from seatrial.model.app import VERSION_LABEL, App, Check
from seatrial.model.reference import ImageReference
from seatrial.steps.smoke import smoke_container
from seatrial.steps.smoke.smoke_container import spec_for, start_and_check
from tests.engine.memory.engine import MemoryEngine
from tests.steps.scenario import make_app

CHECK = Check(path="/{version}", headers={"X-Key": "k-{version}"}, text="hello")


class _Other(BaseHTTPRequestHandler):
    """Answers with the request's path and key; below /drip the response does not end for seconds."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.path} {self.headers['X-Key']}".encode())
        for _ in range(100 if self.path.startswith("/drip") else 0):
            self.wfile.write(b".")
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def entrance() -> Iterator[int]:
    """The port of a server that stands for the container's app."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Other) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class _Published(MemoryEngine):
    """An engine whose containers are published at one port."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def container(self, name: str) -> Container | None:
        """Return the container with that port."""
        container = super().container(name)
        return container and replace(container, ports=dict.fromkeys(container.ports, self._port))


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An app with one check."""
    return make_app("gather", tmp_path / "app", "scratch", 8080).but(checks=(CHECK,))


def _started(app: App, engine: MemoryEngine) -> tuple[Image, str]:
    """Return an image of version 7, and the id of a running container of it."""
    image = engine.image(engine.add("content", ImageReference.parse("web:7")))
    assert image is not None
    image = replace(image, labels={VERSION_LABEL: "7"})
    made = engine.create(spec_for(app, image, name="gather-look", host_port=0, labels={}), lambda _: None)
    engine.start(made)
    return image, made


def test_the_request_is_repeated(app: App, entrance: int) -> None:
    """The check's own request is repeated, at the same port and with the version filled in."""
    engine = _Published(entrance)
    image, made = _started(app, engine)
    wrong = Result(check=CHECK, problem="the body does not contain 'hello'")

    page = gather(engine, app, image, made, results=(wrong,)).page

    engine.close()
    assert page is not None
    assert page.text == "/7 k-7"


def test_two_checks_of_one_path_are_not_confused(app: App, entrance: int) -> None:
    """Of two checks with the same name, the request of the failed one is repeated."""
    engine = _Published(entrance)
    image, made = _started(app, engine)
    app = app.but(checks=(CHECK.but(headers={}), CHECK))
    results = (Result(check=app.checks[0], problem=None), Result(check=app.checks[1], problem="no"))

    page = gather(engine, app, image, made, results=results).page

    engine.close()
    assert page is not None
    assert page.text == "/7 k-7"


def test_the_repeated_request_has_a_deadline(app: App, entrance: int) -> None:
    """A slow response is waited for no longer than a second in total."""
    engine, check = _Published(entrance), Check(path="/drip")
    app = app.but(checks=(check,))
    image, made = _started(app, engine)
    start = time.monotonic()

    found = gather(engine, app, image, made, results=(Result(check=check, problem="no"),))

    engine.close()
    assert found.page is not None
    assert found.page.text.startswith("/drip None..")
    assert time.monotonic() - start < 3


def test_a_port_of_an_unknown_owner(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port is reported as taken if the engine says so, even if its owner is not found."""
    engine = MemoryEngine()
    image, made = _started(app, engine)
    monkeypatch.setattr(smoke_container, "find_port_owner", lambda *_, **__: None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        second = engine.create(spec_for(app, image, name="gather-2", host_port=port, labels={}), lambda _: None)
        with pytest.raises(ContainerFailed) as caught:
            start_and_check(engine, app, image, second, lambda _: None, host_port=port)

    engine.close()
    assert made
    assert caught.value.cause == "port-taken"
    assert str(port) in caught.value.message
    assert f"invoke run --port {port + 1}" in caught.value.hint
