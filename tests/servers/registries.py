"""Real registries for one test run: open, guarded, read-only, and with TLS from an unknown authority."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import bcrypt
import docker
import pytest
import requests
from docker.errors import APIError

from tests.servers.certificates import issue, trusting
from tests.servers.host_name import named
from tests.waiting import answers, wait_until

__all__ = [
    "Kind",
    "TestRegistry",
    "TlsRegistry",
    "first_image",
    "guarded_registry",
    "open_registry",
    "own_host_name",
    "plain_registry",
    "read_only_registry",
    "tls_registry",
]

Kind = Literal["good", "expired", "misnamed"]
"""The kind of a certificate: valid, expired yesterday, or for another host."""

_IMAGES = ("registry:3", "localhost/seatrial/registry:2.8")
_DEFAULT_HOSTS = {"", "unix:///var/run/docker.sock", "unix:///run/docker.sock"}
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class TestRegistry:
    """A real registry for one test run, read over HTTP without Seatrial's code."""

    __test__ = False

    host: str
    user: str | None = None
    password: str | None = None
    ca: Path | None = None
    """The PEM file of the certificate's authority; None for plain HTTP."""

    def ask(self, path: str, method: str = "GET") -> requests.Response:
        """Send a request for a path below /v2/, as the registry's user."""
        return requests.request(
            method,
            f"{'https' if self.ca else 'http'}://{self.host}/v2/{path}",
            headers={"Accept": _MANIFEST},
            auth=(self.user, self.password) if self.user and self.password else None,
            verify=str(self.ca) if self.ca else True,
            timeout=10,
        )

    def digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that the registry reports for a tag."""
        answer = self.ask(f"{repository}/manifests/{tag}", "HEAD")
        return answer.headers["Docker-Content-Digest"] if answer.ok else None

    def tags(self, repository: str) -> list[str]:
        """Return all tags of a repository."""
        answer = self.ask(f"{repository}/tags/list")
        return sorted(answer.json().get("tags") or []) if answer.ok else []


class TlsRegistry(TestRegistry):
    """A registry with TLS, under a host name that the engine does not treat as insecure."""

    def trusted(self) -> AbstractContextManager[None]:
        """Make the engine trust the authority during the block."""
        assert self.ca
        return trusting(self.host, self.ca)


def first_image(client: docker.DockerClient, names: tuple[str, ...]) -> str:
    """Return the first of these images that is in the engine."""
    for name in names:
        if client.images.list(name):
            return name
    pytest.fail(f"none of {', '.join(names)} is in the engine: ./inv up")


@contextmanager
def _listening(
    client: docker.DockerClient, address: str = "127.0.0.1", port: int | None = None, **options: Any
) -> Iterator[int]:
    """Start a registry with these options, and yield its port."""
    container = client.containers.run(
        client.images.get(first_image(client, _IMAGES)).id,
        detach=True,
        ports={"5000/tcp": (address, port)},
        tmpfs={"/var/lib/registry": ""},
        labels={"seatrial.test": "registry"},
        **options,
    )
    try:
        container.reload()
        yield int(container.ports["5000/tcp"][0]["HostPort"])
    finally:
        container.remove(force=True, v=True)


@contextmanager
def plain_registry(
    client: docker.DockerClient, user: str = "", password: str = "", **options: Any
) -> Iterator[TestRegistry]:
    """Start a registry with plain HTTP, wait until it answers, and yield it."""
    with _listening(client, **options) as port:
        wait_until(lambda: answers(f"http://localhost:{port}/v2/"))
        yield TestRegistry(f"localhost:{port}", user or None, password or None)


@pytest.fixture(scope="session")
def open_registry(client: docker.DockerClient) -> Iterator[TestRegistry]:
    """A registry without a login."""
    with plain_registry(client) as registry:
        yield registry


@pytest.fixture(scope="session")
def guarded_registry(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestRegistry]:
    """A registry with one user and a password."""
    user, password = "alice", f"S3ntinel-{secrets.token_hex(8)}"
    folder = tmp_path_factory.mktemp("htpasswd")
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()
    (folder / "htpasswd").write_text(f"{user}:{hashed}\n")
    environment = {
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "tests",
        "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/htpasswd",
    }
    volumes = {str(folder): {"bind": "/auth", "mode": "ro"}}
    with plain_registry(client, user, password, volumes=volumes, environment=environment) as registry:
        yield registry


@pytest.fixture(scope="session")
def read_only_registry(client: docker.DockerClient) -> Iterator[TestRegistry]:
    """A read-only registry: it is empty and answers 405 to pushes."""
    # As one JSON value: with _READONLY_ENABLED the registry exits, as the map is missing from its configuration.
    with plain_registry(client, environment={"REGISTRY_STORAGE_MAINTENANCE_READONLY": '{"enabled":true}'}) as registry:
        yield registry


@pytest.fixture(scope="session")
def own_host_name(client: docker.DockerClient) -> Iterator[str]:
    """A name for ::1, which the engine does not treat as insecure, unlike 127.0.0.1."""
    if os.environ.get("DOCKER_HOST", "") not in _DEFAULT_HOSTS:
        pytest.skip("the engine at DOCKER_HOST may not use this machine's /etc")
    if "::1/128" in client.info()["RegistryConfig"]["InsecureRegistryCIDRs"]:
        pytest.skip("this engine (27 or later) treats ::1 as insecure and would not check a certificate")
    if os.geteuid():
        pytest.skip("only root can add a host name, for a registry with TLS")
    with ExitStack() as stack:
        try:
            name = stack.enter_context(named("::1"))
        except OSError as error:
            if os.environ.get("CI"):
                pytest.fail(f"/etc/hosts cannot be written, and under CI no test may be skipped for that: {error}")
            pytest.skip(f"/etc/hosts cannot be written: {error}")
        yield name


@pytest.fixture(scope="session")
def tls_registry(
    client: docker.DockerClient, own_host_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], TlsRegistry]]:
    """A function that returns a registry with a certificate of that kind, from an unknown authority."""
    with ExitStack() as stack:

        @cache
        def make(kind: Kind) -> TlsRegistry:
            name = "elsewhere.test" if kind == "misnamed" else own_host_name
            certificate = issue(tmp_path_factory.mktemp("tls"), name, ended=kind == "expired")
            environment = {
                "REGISTRY_HTTP_TLS_CERTIFICATE": f"/tls/{certificate.certificate.name}",
                "REGISTRY_HTTP_TLS_KEY": f"/tls/{certificate.key.name}",
            }
            volumes = {str(certificate.key.parent): {"bind": "/tls", "mode": "ro"}}
            port = stack.enter_context(_listening(client, "::1", volumes=volumes, environment=environment))
            host = f"{own_host_name}:{port}"
            # The engine reads /etc/hosts only every 5 seconds, and asks a name server until then.
            wait_until(lambda: "x509" in _lookup_error(client, host), pause=0.25)
            return TlsRegistry(host, ca=certificate.authority)

        yield make


def _lookup_error(client: docker.DockerClient, host: str) -> str:
    """Return the engine's error message for a lookup in the registry, or an empty string."""
    try:
        client.api.inspect_distribution(f"{host}/nothing")
    except APIError as error:
        return str(error.explanation)
    return ""
