"""What every test starts from: a clean environment, and an engine that ends up holding what it held before."""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import docker
import pytest
import requests
from docker.errors import DockerException

from tests.cli_project import Project, make_project

_TESTS_NAME = re.compile(r"\bt[0-9a-f]{10}\b")
REGISTRY_IMAGES = ("registry:3", "localhost/lading/registry:2.8")
PYTHON_IMAGES = ("python:3.13-slim", "localhost/lading/python:3.13")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let no setting, credential or colour of the developer's own reach a test."""
    for name in list(os.environ):
        if name.startswith(("INVOKE_", "LADING_")) or name in {"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker-config")))


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """The SDK's own client, for looking at the engine by another path than Lading's."""
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
class Holdings:
    """What an engine holds: containers, images with their names, volumes, networks.

    What carries the label of another project is left out, so that test runs can go side by side.
    """

    containers: frozenset[str]
    images: frozenset[tuple[str, tuple[str, ...]]]
    volumes: frozenset[str]
    networks: frozenset[str]

    @classmethod
    def of(cls, client: docker.DockerClient, project: str | None = None) -> Holdings:
        """Look."""

        def strange(labels: dict[str, str] | None) -> bool:
            owner = (labels or {}).get("lading.test") or (labels or {}).get("lading.project", project)
            return owner != project

        def known(tags: list[str] | None) -> tuple[str, ...]:
            return tuple(sorted(tag for tag in tags or () if not _TESTS_NAME.search(tag) or str(project) in tag))

        containers = client.api.containers(all=True)
        images = client.api.images()
        return cls(
            containers=frozenset(one["Id"] for one in containers if not strange(one["Labels"])),
            images=frozenset((one["Id"], known(one["RepoTags"])) for one in images if not strange(one["Labels"])),
            volumes=frozenset(one.name for one in client.volumes.list()),
            networks=frozenset(one.name for one in client.networks.list()),
        )


@pytest.fixture
def holdings(client: docker.DockerClient, project_name: str) -> Callable[[], Holdings]:
    """Looks at all the engine holds, to compare before with after."""
    return lambda: Holdings.of(client, project_name)


@pytest.fixture
def project_name(client: docker.DockerClient) -> Iterator[str]:
    """A name for one test's project, and the proof that the test left nothing in the engine.

    Images, containers and names that carry the project's label or name are the test's own and go away here; whatever
    else is new makes the test fail.
    """
    name = f"t{secrets.token_hex(5)}"
    before = Holdings.of(client, name)
    yield name
    trials = {"label": [f"lading.project={name}", "lading.trial"]}
    assert not client.containers.list(all=True, filters=trials), "a smoke container was left behind"
    for container in client.containers.list(all=True, filters={"label": f"lading.project={name}"}):
        container.remove(force=True, v=True)
    for image in client.images.list(filters={"label": f"lading.project={name}"}):
        for tag in image.tags or [image.id]:
            client.images.remove(tag, force=True)
    assert Holdings.of(client, name) == before


@pytest.fixture
def project(tmp_path: Path, project_name: str, python_image: str, free_port: int) -> Project:
    """A tiny web app in a folder of its own, whose page says hello and its version."""
    folder = tmp_path / "project"
    folder.mkdir()
    return make_project(folder, name=project_name, base=python_image, port=free_port)


@dataclass(frozen=True)
class TestRegistry:
    """A real registry for one test run, asked over HTTP by another path than Lading's."""

    __test__ = False

    host: str
    user: str | None = None
    password: str | None = None

    def digest(self, repository: str, tag: str) -> str | None:
        """Give the digest the registry says it holds under a tag."""
        answer = requests.head(
            f"http://{self.host}/v2/{repository}/manifests/{tag}",
            headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
            auth=(self.user, self.password) if self.user and self.password else None,
            timeout=10,
        )
        return answer.headers["Docker-Content-Digest"] if answer.ok else None

    def tags(self, repository: str) -> list[str]:
        """Give all tags of a repository."""
        answer = requests.get(
            f"http://{self.host}/v2/{repository}/tags/list",
            auth=(self.user, self.password) if self.user and self.password else None,
            timeout=10,
        )
        return sorted(answer.json().get("tags") or []) if answer.ok else []


def _first_image(client: docker.DockerClient, names: tuple[str, ...]) -> str:
    for name in names:
        if client.images.list(name):
            return name
    pytest.fail(f"none of {', '.join(names)} is in the engine: ./inv up")


@pytest.fixture(scope="session")
def python_image(client: docker.DockerClient) -> str:
    """An image with Python that is in the engine already."""
    return _first_image(client, PYTHON_IMAGES)


def _registry(client: docker.DockerClient, **options: Any) -> Iterator[TestRegistry]:
    user, password = options.pop("user", None), options.pop("password", None)
    container = client.containers.run(
        client.images.get(_first_image(client, REGISTRY_IMAGES)).id,
        detach=True,
        ports={"5000/tcp": ("127.0.0.1", None)},
        tmpfs={"/var/lib/registry": ""},
        labels={"lading.test": "registry"},
        **options,
    )
    try:
        container.reload()
        host = f"localhost:{container.ports['5000/tcp'][0]['HostPort']}"
        wait_until(lambda: answers(f"http://{host}/v2/"))
        yield TestRegistry(host=host, user=user, password=password)
    finally:
        container.remove(force=True, v=True)


@pytest.fixture(scope="session")
def open_registry(client: docker.DockerClient) -> Iterator[TestRegistry]:
    """A registry that lets everybody in."""
    yield from _registry(client)


@pytest.fixture(scope="session")
def guarded_registry(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestRegistry]:
    """A registry that knows one user by password."""
    user, password = "captain", f"S3ntinel-{secrets.token_hex(8)}"
    folder = tmp_path_factory.mktemp("htpasswd")
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()
    (folder / "htpasswd").write_text(f"{user}:{hashed}\n")
    yield from _registry(
        client,
        user=user,
        password=password,
        volumes={str(folder): {"bind": "/auth", "mode": "ro"}},
        environment={
            "REGISTRY_AUTH": "htpasswd",
            "REGISTRY_AUTH_HTPASSWD_REALM": "tests",
            "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/htpasswd",
        },
    )


@pytest.fixture
def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether anything answers HTTP there."""
    try:
        requests.get(url, timeout=2)
    except requests.RequestException:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return once it holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def repository() -> Path:
    """This repository's folder."""
    return Path(__file__).parent.parent
