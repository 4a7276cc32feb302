"""A connection tells what is not an engine, and does not wait for ever."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from seatrial.engine.connection import Connection, api_url
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.endpoint import Endpoint, TlsFiles
from seatrial.engine.proxies import proxies_inside, proxy_to_engine
from seatrial.errors import CredentialsError, EngineUnavailable, StepFailed, Unavailable
from tests.servers.local_server import Reply, listen, serve

TLS = TlsFiles(authority=None, client=None, verify=True)
UNNAMED = Reply()  # an answer without the header that names the API version: the next question is for /version
VERSION = b'{"ApiVersion": "1.41"}'
OLD = b'{"message": "client version 1.41 is too old. Minimum supported is 1.44"}'
NO_TLS = b"Client sent an HTTP request to an HTTPS server.\n"


def _engine(monkeypatch: pytest.MonkeyPatch, port: int, seconds: float = 60) -> DockerEngine:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    connection = Connection()
    connection.seconds = seconds
    return DockerEngine(connection)


@pytest.mark.parametrize(
    ("version", "later", "words"),
    [
        *((Reply(body=body), Reply(), ("not a Docker Engine",)) for body in (b"<html>", b"[]", b'{"ApiVersion": 5}')),
        (Reply(status=502, body=b"<html>Bad Gateway</html>"), Reply(), ("not a Docker Engine", "502", "Bad Gateway")),
        (Reply(body=VERSION), Reply(status=503, body=b"busy"), ("not a Docker Engine", "503", "busy")),
        (Reply(body=VERSION), Reply(body=b"<html>"), ("not a Docker Engine",)),
        (Reply(body=b'{"ApiVersion": "1.12"}'), Reply(), ("another API", "1.12", "1.24")),
        (Reply(body=VERSION), Reply(status=400, body=OLD), ("another API", "1.41", "1.44")),
        (Reply(status=400, body=NO_TLS), Reply(), ("TLS", "DOCKER_TLS_VERIFY")),
        (Reply(body=VERSION), Reply(body=VERSION), ("platform", "--platform")),
    ],
)
def test_what_is_not_an_engine(
    monkeypatch: pytest.MonkeyPatch, version: Reply, later: Reply, words: tuple[str, ...]
) -> None:
    """Whatever answers is called what it is, with exit code 3; config.json has nothing to do with it."""
    answers = iter((UNNAMED, version))
    with serve(lambda _: next(answers, later)) as server, pytest.raises(EngineUnavailable) as caught:
        _engine(monkeypatch, server.port).platform()
    said = f"{caught.value} {caught.value.hint}"
    assert caught.value.exit_code == 3
    assert [word for word in words if word not in said] == []
    assert "config.json" not in said


def _silence(connection: socket.socket) -> None:
    connection.recv(1)


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.1)


@pytest.mark.parametrize("talk", [_silence, _drip])
def test_one_limit(monkeypatch: pytest.MonkeyPatch, talk: Callable[[socket.socket], None]) -> None:
    """A silent engine, or a dripping one, is waited for once, and that is told; the next requests hardly wait."""
    monkeypatch.setattr("seatrial.engine.client._TOLD_EVERY", 0.3)
    monkeypatch.setattr("seatrial.engine.connection._SECONDS_AFTER_SILENCE", 0.1)
    told: list[str] = []
    with listen(talk) as port:
        engine = _engine(monkeypatch, port, seconds=1)
        engine.report_waiting(told.append)
        began = time.monotonic()
        for ask in (engine.info, engine.images, engine.details, engine.platform):
            with pytest.raises(EngineUnavailable, match="no answer for 1 s"):
                ask()
        assert 1 <= time.monotonic() - began < 3
    assert len(told) == 3
    assert f"tcp://127.0.0.1:{port}" in told[0]


def test_an_answer_that_ctrl_c_did_not_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is closed when it comes: until then the engine would keep the container of these files locked."""
    asked, closed = threading.Event(), threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n")
        connection.recv(65536)
        asked.set()
        time.sleep(0.2)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with suppress(ConnectionResetError):
            connection.recv(1)
        closed.set()

    def press() -> None:
        asked.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with listen(talk) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        client = Connection().client
        threading.Thread(target=press).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            client.get(api_url(client, "containers/one/archive"), stream=True, timeout=60)
        assert not closed.is_set()
        assert closed.wait(10)
        assert caught.type is KeyboardInterrupt  # its traceback has kept the answer from being collected


def test_an_image_that_goes_while_images_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is asked for again, and not for ever."""
    monkeypatch.setattr("seatrial.engine.docker.engine._LISTING_PAUSE", 0)
    gone = Reply(status=404, body=b'{"message": "No such image: sha256:a"}')
    answers = iter((UNNAMED, Reply(body=VERSION), gone, gone, Reply(body=b'[{"Id": "sha256:b"}]')))
    with serve(lambda _: next(answers, gone)) as server:
        engine = _engine(monkeypatch, server.port)
        assert [image.id for image in engine.images()] == ["sha256:b"]
        with pytest.raises(StepFailed, match="No such image"):
            engine.images()


def test_an_address_that_the_engines_machine_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine behind a forwarded port cannot publish ports there: exit code 3, as the network is the reason."""
    taken = Reply(status=500, body=b'{"message": "listen tcp4 192.0.2.9:80: bind: cannot assign requested address"}')
    answers = iter((UNNAMED, Reply(body=VERSION)))
    with serve(lambda _: next(answers, taken)) as server, pytest.raises(Unavailable) as caught:
        _engine(monkeypatch, server.port).start("one")
    assert caught.value.cause == "port-unreachable"


@pytest.mark.parametrize(
    ("url", "tls", "variables", "proxy"),
    [
        ("tcp://10.0.0.1:1", None, {"http": "http://p:1"}, {"http": "http://p:1"}),
        ("tcp://10.0.0.1:1", TLS, {"http": "http://p:1"}, {}),
        ("tcp://10.0.0.1:1", TLS, {"https": "http://p:1"}, {"https": "http://p:1"}),
        ("tcp://10.0.0.1:1", None, {"http": "http://p:1", "no": "10.0.0.0/8"}, {}),
        ("tcp://engine.example.com:1", None, {"http": "http://p:1", "no": "example.com"}, {}),
        ("tcp://127.0.0.2:1", None, {"http": "http://p:1"}, {}),
        ("tcp://[::1]:1", None, {"http": "http://p:1"}, {}),
        ("ssh://far", None, {"http": "http://p:1"}, {}),
        ("unix:///run/docker.sock", None, {"http": "http://p:1"}, {}),
    ],
)
def test_proxies(url: str, tls: TlsFiles | None, variables: dict[str, str], proxy: dict[str, str]) -> None:
    """Go's rules decide about a proxy to the engine: by scheme, and never for an address of this machine."""
    assert proxy_to_engine(Endpoint(url=url, chosen_by="", tls=tls), variables) == proxy


@pytest.mark.parametrize(
    ("proxies", "found"),
    [
        ({"default": {"httpProxy": "p", "noProxy": "n"}}, {"HTTP_PROXY": "p", "NO_PROXY": "n"}),
        ({"default": {"httpProxy": "p"}, "tcp://h:1": {"ftpProxy": "f", "allProxy": ""}}, {"FTP_PROXY": "f"}),
        ({"tcp://other:1": {"httpProxy": "p"}}, {}),
        ({"default": []}, {}),
        ([], {}),
    ],
)
def test_proxies_inside(proxies: object, found: dict[str, str]) -> None:
    """The engine's own proxies, else the default ones, reach builds and containers in both spellings."""
    both = {**found, **{name.lower(): value for name, value in found.items()}}
    assert proxies_inside({"proxies": proxies}, "tcp://h:1") == both


def test_what_only_requests_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ALL_PROXY and .netrc do not count for the engine, as they do not for the docker CLI."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    with serve(lambda _: Reply(body=VERSION)) as server:
        assert _engine(monkeypatch, server.port).info().api == "1.41"
    assert "Authorization" not in server.asked[0].headers


def test_ssh_that_reaches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is what the program ssh says; without that program, it is named."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"ssh://me@127.0.0.1:{nobody.getsockname()[1]}")
    with pytest.raises(EngineUnavailable) as refused:
        DockerEngine(Connection()).info()
    assert "refused" in refused.value.reason
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineUnavailable) as missing:
        DockerEngine(Connection()).info()
    assert "ssh is not installed" in missing.value.reason


def test_a_pipe_as_docker_configuration() -> None:
    """A pipe in place of config.json, which the SDK would read for ever, is refused at once."""
    os.mkfifo(Path(os.environ["DOCKER_CONFIG"]) / "config.json")
    with pytest.raises(CredentialsError, match="not a regular file"):
        DockerEngine(Connection()).info()
