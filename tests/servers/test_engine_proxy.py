"""Every fault of the engine proxy works as described; without a fault it changes nothing."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
import urllib3
from docker.errors import StreamParseError

from tests.conftest import TestRegistry, wait_until
from tests.servers.engine_proxy import Cut, Empty, Garbage, Stall, WithoutAux, engine_proxy
from tests.servers.registry_proxy import Swap, registry_proxy

pytestmark = pytest.mark.engine
BROKEN = (urllib3.exceptions.ProtocolError, requests.RequestException)


@dataclass(frozen=True, kw_only=True)
class ImagePusher:
    """An engine, a registry, and a random image to push."""

    client: docker.DockerClient
    registry: TestRegistry
    name: str
    folder: Path

    def push(self, docker_host: str | None = None, *, host: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Build a new image, push it, and yield the messages."""
        repository = f"{host or self.registry.host}/demo/{self.name}"
        (self.folder / "random").write_bytes(secrets.token_bytes(100_000))
        (self.folder / "Dockerfile").write_text(f"FROM scratch\nLABEL seatrial.project={self.name}\nCOPY random /\n")
        labels = {"seatrial.project": self.name}
        self.client.images.build(path=str(self.folder), tag=f"{repository}:1", labels=labels, rm=True)
        version = self.client.api.api_version
        where = docker_host or os.environ.get("DOCKER_HOST")
        with closing(docker.APIClient(where, version=version, timeout=10)) as api:
            yield from api.push(repository, tag="1", stream=True, decode=True)

    @property
    def digest(self) -> str | None:
        """The digest in the registry, read without a proxy."""
        return self.registry.digest(f"demo/{self.name}", "1")


@pytest.fixture
def pusher(
    open_registry: TestRegistry,
    client: docker.DockerClient,
    project_name: str,
    tmp_path: Path,
    *,
    containerd_store: bool,
) -> ImagePusher:
    """A pusher to the open registry."""
    if containerd_store:
        pytest.skip("containerd's push streams have no digest, which these tests need")
    return ImagePusher(client=client, registry=open_registry, name=project_name, folder=tmp_path)


def _digest(messages: list[Mapping[str, Any]]) -> str:
    """Return the digest that the engine reports."""
    (found,) = [str(one["aux"]["Digest"]) for one in messages if "aux" in one]
    return found


def test_engine_pushes_through_the_proxy(pusher: ImagePusher) -> None:
    """An engine pushes through the registry proxy, and the registry holds the replaced manifest."""
    swap = Swap(method="PUT", path="/manifests/1", change=lambda body: body + b"\n")
    with registry_proxy(pusher.registry.host, swap) as proxy:
        pushed = _digest(list(pusher.push(host=proxy.host)))
        assert proxy.count("PATCH", status=202) == 2, "a layer and the config"
        assert proxy.count("PUT", "/manifests/1", status=201) == 1
    assert pusher.digest
    assert pusher.digest != pushed


def test_engine_without_faults(pusher: ImagePusher, python_image: str) -> None:
    """Requests, errors, streams and an attached terminal pass unchanged."""
    with engine_proxy() as proxy, closing(docker.DockerClient(proxy.docker_host, timeout=10)) as through:
        assert len(proxy.docker_host) < 100
        assert through.images.get(python_image).id == pusher.client.images.get(python_image).id
        with pytest.raises(docker.errors.ImageNotFound):
            through.images.get(f"{pusher.name}:missing")
        assert proxy.count("GET", "/images/", status=404) == 1
        assert _digest(list(pusher.push(proxy.docker_host))) == pusher.digest

        labels = {"seatrial.project": pusher.name}
        container = through.containers.create(python_image, "cat", stdin_open=True, labels=labels)
        with closing(container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})) as terminal:
            container.start()
            terminal._sock.sendall(b"goodbye\n")
            assert terminal._sock.recv(100).endswith(b"goodbye\n")
        container.remove(force=True)


@pytest.mark.parametrize("reaches_engine", [True, False])
def test_empty(pusher: ImagePusher, *, reaches_engine: bool) -> None:
    """A push with an empty stream reaches the registry only if the fault says so."""
    with engine_proxy(Empty(reaches_engine=reaches_engine)) as proxy:
        assert not list(pusher.push(proxy.docker_host))
        assert proxy.count("POST", "/push", status=200) == 1
    assert bool(pusher.digest) == reaches_engine


@pytest.mark.parametrize(
    ("fault", "messages", "arrives"),
    [
        (Cut(), range(4, 100), True),
        (Cut(messages=1), [1], True),
        (Cut(size=10), [0], True),
        (Cut(messages=0, finishes=False), [0], False),
    ],
)
def test_cut(pusher: ImagePusher, fault: Cut, messages: Sequence[int], arrives: bool) -> None:
    """A stream ends early where the fault says; the push completes only if the fault says so."""
    received: list[Mapping[str, Any]] = []
    with engine_proxy(fault) as proxy:
        with pytest.raises(BROKEN):
            received.extend(pusher.push(proxy.docker_host))
        if arrives:
            wait_until(lambda: bool(pusher.digest), 5)
    assert len(received) in messages
    assert bool(pusher.digest) == arrives


@pytest.mark.parametrize("finishes", [True, False])
def test_stall(pusher: ImagePusher, *, finishes: bool) -> None:
    """After the first messages nothing more is sent until the proxy closes."""

    def read() -> None:
        with pytest.raises(BROKEN):
            next(messages)

    with engine_proxy(Stall(messages=1, finishes=finishes)) as proxy:
        messages = pusher.push(proxy.docker_host)
        assert "status" in next(messages)
        reader = threading.Thread(target=read)
        reader.start()
        if finishes:
            wait_until(lambda: bool(pusher.digest), 5)
        reader.join(0.3)
        assert reader.is_alive()
    reader.join(5)
    assert not reader.is_alive()
    assert bool(pusher.digest) == finishes


def test_garbage_and_no_digest(pusher: ImagePusher) -> None:
    """A line that is not JSON is inserted, and the message with the digest is left out."""
    with engine_proxy(Garbage(after=1, times=1), WithoutAux()) as proxy:
        with pytest.raises(StreamParseError):
            list(pusher.push(proxy.docker_host))
        messages = list(pusher.push(proxy.docker_host))
        assert proxy.count("POST", "/push") == 2
    assert pusher.digest
    assert messages
    assert not [one for one in messages if "aux" in one]
