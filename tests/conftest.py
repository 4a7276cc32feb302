"""Fixtures of all tests: a clean environment, and an engine that holds the same after a test as before it."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from seatrial.doctor.findings import Finding
from seatrial.errors import SeatrialError
from tests.cli_project import Project, make_project
from tests.hints import wrong_commands
from tests.servers.registries import (
    TestRegistry,
    first_image,
    guarded_registry,
    open_registry,
    own_host_name,
    read_only_registry,
    tls_registry,
)
from tests.waiting import answers, list_images, wait_until

# Pytest looks for fixtures here, so those of tests/servers/registries.py are among these names.
__all__ = [
    "PYTHON_IMAGES",
    "EngineContents",
    "TestRegistry",
    "answers",
    "guarded_registry",
    "open_registry",
    "own_host_name",
    "read_only_registry",
    "tls_registry",
    "wait_until",
]

_TESTS_NAME = re.compile(r"\bt[0-9a-f]{10}\b")
PYTHON_IMAGES = ("python:3.13-slim", "localhost/seatrial/python:3.13")


def pytest_configure() -> None:
    """Let signals reach the commands that tests start, also where the tests run in the background or under nohup.

    There SIGINT and SIGHUP are ignored, and children inherit that; what has a handler is the default for them.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the developer's own settings, credentials and colours out of the tests."""
    for name in list(os.environ):
        if name.startswith(("INVOKE_", "SEATRIAL_", "GITHUB_", "GITLAB_")) or name in {
            "NO_COLOR",
            "FORCE_COLOR",
            "TTY_COMPATIBLE",
        }:
            monkeypatch.delenv(name)
    monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker-config")))


@pytest.fixture(autouse=True)
def _hints_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check the commands in the hint of every error and finding that a test makes the product create."""
    hints: set[str] = set()
    for kind in (SeatrialError, Finding):
        monkeypatch.setattr(kind, "__init__", _recording(kind.__init__, hints))
    monkeypatch.setattr(SeatrialError, "but", _recording(SeatrialError.but, hints))
    yield
    assert not [wrong for hint in hints for wrong in wrong_commands(hint)]


def _recording(method: Callable[..., Any], hints: set[str]) -> Callable[..., Any]:
    def record(*args: Any, **given: Any) -> Any:
        hints.add(given.get("hint") or "")
        return method(*args, **given)

    return record


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """The SDK's own client, to inspect the engine independently of Seatrial."""
    try:
        found = docker.from_env()
        found.ping()
    except DockerException:
        if os.environ.get("CI"):
            pytest.fail("no Docker Engine answers, and under CI no test may be skipped for that: ./inv up")
        pytest.skip("no Docker Engine answers: ./inv up")
    yield found
    found.close()


@pytest.fixture(scope="session")
def containerd_store(client: docker.DockerClient) -> bool:
    """Whether the engine keeps its images in containerd, where an id is the manifest's digest."""
    return "io.containerd" in str(client.info()["DriverStatus"])


@dataclass(frozen=True)
class EngineContents:
    """What an engine holds: containers, images with their names, volumes, networks.

    Anything with the label of another project is left out, so that several test runs can share the engine.
    """

    containers: frozenset[str]
    images: frozenset[tuple[str, tuple[str, ...]]]
    volumes: frozenset[str]
    networks: frozenset[str]

    @classmethod
    def of(cls, client: docker.DockerClient, project: str | None = None) -> EngineContents:
        """Return what an engine holds, without other projects' things."""

        def foreign(labels: dict[str, str] | None) -> bool:
            owner = (labels or {}).get("seatrial.test") or (labels or {}).get("seatrial.project", project)
            return owner != project

        def known(tags: list[str] | None) -> tuple[str, ...]:
            return tuple(sorted(tag for tag in tags or () if not _TESTS_NAME.search(tag) or str(project) in tag))

        containers = client.api.containers(all=True)
        images = list_images(client.api)
        return cls(
            containers=frozenset(one["Id"] for one in containers if not foreign(one["Labels"])),
            # An image that has only other tests' names is theirs.
            images=frozenset(
                (one["Id"], known(one["RepoTags"]))
                for one in images
                if not foreign(one["Labels"]) and (known(one["RepoTags"]) or not one["RepoTags"])
            ),
            # A volume in use belongs to a container that is looked at itself, or is another test's.
            volumes=frozenset(known([one.name for one in client.volumes.list(filters={"dangling": True})])),
            networks=frozenset(one.name for one in client.networks.list()),
        )

    def beyond(self, before: EngineContents) -> list[object]:
        """Return what is here and was not before."""
        return [one for name in vars(self) for one in getattr(self, name) - getattr(before, name)]


@pytest.fixture
def engine_contents(client: docker.DockerClient, project_name: str) -> Callable[[], EngineContents]:
    """A function that returns all the engine holds, to compare before with after."""
    return lambda: EngineContents.of(client, project_name)


@pytest.fixture
def project_name(client: docker.DockerClient) -> Iterator[str]:
    """A name for one test's project; afterwards, check that the test left nothing else in the engine.

    Images, containers and names with the project's label or name belong to the test and are removed here. Anything
    else that is new makes the test fail.
    """
    name = f"t{secrets.token_hex(5)}"
    before = EngineContents.of(client, name)
    yield name
    smoke_containers = {"label": [f"seatrial.project={name}", "seatrial.smoke"]}
    assert not client.containers.list(all=True, filters=smoke_containers), "a smoke container was left behind"
    for container in client.containers.list(all=True, filters={"label": f"seatrial.project={name}"}):
        container.remove(force=True, v=True)
    for image in client.images.list(filters={"label": f"seatrial.project={name}"}):
        for tag in image.tags or [image.id]:
            client.images.remove(tag, force=True)

    def left() -> list[object]:
        return EngineContents.of(client, name).beyond(before)

    with suppress(AssertionError):  # containers of another test's build, which have no labels, go by themselves
        wait_until(lambda: not left(), seconds=60, pause=0.5)
    assert not left()


@pytest.fixture
def project(tmp_path: Path, project_name: str, python_image: str, free_port: int) -> Project:
    """A tiny web app in a folder of its own, whose page says hello and its version."""
    return make_project(tmp_path / "project", name=project_name, base=python_image, port=free_port)


@pytest.fixture(scope="session")
def python_image(client: docker.DockerClient) -> str:
    """An image with Python that the engine already holds."""
    return first_image(client, PYTHON_IMAGES)


@pytest.fixture
def free_port() -> int:
    """A free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def repository() -> Path:
    """This repository's folder."""
    return Path(__file__).parent.parent
