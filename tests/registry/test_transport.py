"""What goes wrong between here and a registry is named, within limits of time and memory."""

from __future__ import annotations

import os
import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from seatrial.errors import RegistryUnavailable, StepFailed
from seatrial.model.reference import ImageReference
from seatrial.registry import transport
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import CredentialStore
from seatrial.registry.model import Manifest
from seatrial.registry.transport import Transport
from tests.servers.host_name import named
from tests.servers.local_server import Reply, listen, serve

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n"


@pytest.fixture
def host_name() -> Iterator[str]:
    """A name for 127.0.0.1 that is not treated as loopback."""
    if os.geteuid():
        pytest.skip("only root can add a host name")
    with named("127.0.0.1") as name:
        yield name


def unavailable(host: str) -> RegistryUnavailable:
    """Return the error of a request to a registry, which is told in readable text."""
    with pytest.raises(RegistryUnavailable) as caught:
        Transport(host).send("GET", "/v2/", {}, None)
    assert host in caught.value.message
    assert not any(part in caught.value.reason for part in ("object at 0x", "Errno", "Error(", "("))
    return caught.value


def reset(connection: socket.socket) -> None:
    """End a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (reset, "Connection reset by peer"),
        (lambda one: one.close(), "Remote end closed connection without response"),
        (lambda one: one.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "SSH-2.0"),
    ],
)
def test_no_answer(talk: Callable[[socket.socket], None], reason: str) -> None:
    """A server that breaks the connection or does not speak HTTP is reported as that, also if HTTPS was tried, too."""
    with listen(talk) as port:
        error = unavailable(f"127.0.0.1:{port}")
    assert reason in error.reason
    assert error.transient


def test_a_name_that_does_not_resolve() -> None:
    """A name that does not resolve is asked about once, and named without its port."""
    error = unavailable("registry.invalid:5000")
    assert "the name registry.invalid does not resolve" in error.reason
    assert not error.transient


def test_plain_http_on_another_machine(host_name: str) -> None:
    """A registry on another machine that speaks plain HTTP is called that, and gets no request."""
    with serve(lambda _: Reply()) as server, pytest.raises(StepFailed) as caught:
        Transport(f"{host_name}:{server.port}").send("GET", "/v2/", {}, None)
    assert (caught.value.exit_code, caught.value.cause, caught.value.transient) == (1, "plain-http", False)
    assert "plain HTTP" in caught.value.reason
    assert not server.asked


def test_blobs_on_a_host_that_is_away(store: CredentialStore, free_port: int) -> None:
    """The host that stores a registry's blobs is named when it does not answer, and not the registry."""
    away = Reply(status=307, headers={"Location": f"http://localhost:{free_port}/blob?signature=s3cret"})
    manifest = Manifest(digest="sha256:1", config="sha256:2")
    with serve(lambda _: away) as server, pytest.raises(RegistryUnavailable) as caught:
        HttpRegistry(server.host, store).configuration(ImageReference.parse(f"{server.host}/demo/app:1"), manifest)
    assert caught.value.message.startswith(f"localhost:{free_port}, where {server.host} ")
    assert f"https://localhost:{free_port}/" in caught.value.hint
    assert "s3cret" not in repr(vars(caught.value))


@pytest.mark.parametrize("start", [b"", HEAD + b"\r\n"], ids=["status", "body"])
def test_an_answer_that_does_not_end(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    """An answer that comes byte by byte has an end all the same."""
    monkeypatch.setattr(transport, "_DEADLINE", 0.5)

    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b"x")
            time.sleep(0.1)

    began = time.monotonic()
    with listen(drip) as port:
        error = unavailable(f"127.0.0.1:{port}")
    assert "0.5 s" in error.reason
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [b"200 OK", b"307 Moved"])
def test_an_answer_that_fills_the_memory(status: bytes) -> None:
    """An answer above the limit is not read to its end, nor is that of a redirect."""

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nLocation: /v2/\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            connection.sendall(b"x" * 2**20)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listen(flood) as port, pytest.raises(RegistryUnavailable) as caught:
        Transport(f"127.0.0.1:{port}").request(f"http://127.0.0.1:{port}/v2/")
    assert "16,777,216 bytes" in caught.value.reason
    assert not caught.value.transient
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_docker_hub_by_the_name_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker Hub's registry has another name than Docker Hub, and the hint uses it."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 1))])
    error = unavailable("docker.io")
    assert "https://registry-1.docker.io/v2/" in error.hint


def test_proxies_are_not_used(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies in the environment are not used."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port}")
    with serve(lambda _: Reply()) as server:
        assert Transport(server.host).send("GET", "/v2/", {}, None).status == 200
