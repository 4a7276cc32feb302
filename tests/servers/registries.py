"""Real registries for one test run: open, guarded, read-only, and with TLS by an authority that nobody knows."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
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
    "read_only_registry",
    "tls_registry",
]

Kind = Literal["good", "expired", "misnamed"]
"""What a certificate is like: in order, over since yesterday, or for another host."""

_IMAGES = ("registry:3", "localhost/seatrial/registry:2.8")
_USUAL = {"", "unix:///var/run/docker.sock", "unix:///run/docker.sock"}
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class TestRegistry:
    """A real registry for one test run, asked over HTTP by another path than Seatrial's."""

    __test__ = False

    host: str
    user: str | None = None
    password: str | None = None

    @property
    def ca(self) -> Path | None:
        """The PEM file of the authority behind its certificate; None where plain HTTP is spoken."""
        return None

    def ask(self, path: str, method: str = "GET") -> requests.Response:
        """Ask what is below /v2/, as the user it knows."""
        return requests.request(
            method,
            f"{'https' if self.ca else 'http'}://{self.host}/v2/{path}",
            headers={"Accept": _MANIFEST},
            auth=(self.user, self.password) if self.user and self.password else None,
            verify=str(self.ca) if self.ca else True,
            timeout=10,
        )

    def digest(self, repository: str, tag: str) -> str | None:
        """Return the digest the registry says it holds under a tag."""
        answer = self.ask(f"{repository}/manifests/{tag}", "HEAD")
        return answer.headers["Docker-Content-Digest"] if answer.ok else None

    def tags(self, repository: str) -> list[str]:
        """Return all tags of a repository."""
        answer = self.ask(f"{repository}/tags/list")
        return sorted(answer.json().get("tags") or []) if answer.ok else []


@dataclass(frozen=True)
class TlsRegistry(TestRegistry):
    """A registry that speaks TLS, under a name that the engine does not take for insecure."""

    authority: Path | None = None

    @property
    def ca(self) -> Path | None:
        """The PEM file of the authority behind its certificate."""
        return self.authority

    def trusted(self) -> AbstractContextManager[None]:
        """Let the engine know the authority while in this context."""
        assert self.authority
        return trusting(self.host, self.authority)


def first_image(client: docker.DockerClient, names: tuple[str, ...]) -> str:
    """Return the first of these images that is in the engine."""
    for name in names:
        if client.images.list(name):
            return name
    pytest.fail(f"none of {', '.join(names)} is in the engine: ./inv up")


@contextmanager
def _listening(client: docker.DockerClient, address: str = "127.0.0.1", **options: Any) -> Iterator[int]:
    """Yield the port of a registry that was started with these options."""
    container = client.containers.run(
        client.images.get(first_image(client, _IMAGES)).id,
        detach=True,
        ports={"5000/tcp": (address, None)},
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
def _plain(client: docker.DockerClient, **options: Any) -> Iterator[str]:
    """Yield the host of a registry that speaks plain HTTP and answers."""
    with _listening(client, **options) as port:
        host = f"localhost:{port}"
        wait_until(lambda: answers(f"http://{host}/v2/"))
        yield host


@pytest.fixture(scope="session")
def open_registry(client: docker.DockerClient) -> Iterator[TestRegistry]:
    """A registry that lets everybody in."""
    with _plain(client) as host:
        yield TestRegistry(host)


@pytest.fixture(scope="session")
def guarded_registry(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestRegistry]:
    """A registry that knows one user by password."""
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
    with _plain(client, volumes=volumes, environment=environment) as host:
        yield TestRegistry(host, user, password)


@pytest.fixture(scope="session")
def read_only_registry(client: docker.DockerClient) -> Iterator[TestRegistry]:
    """A registry that is being maintained: it holds nothing, and answers 405 to whoever sends something."""
    # As a whole: the registry ends at once when told _READONLY_ENABLED, as that makes no map where there is none.
    with _plain(client, environment={"REGISTRY_STORAGE_MAINTENANCE_READONLY": '{"enabled":true}'}) as host:
        yield TestRegistry(host)


@pytest.fixture(scope="session")
def own_host_name(client: docker.DockerClient) -> Iterator[str]:
    """A name for ::1 that the engine knows and does not take for insecure, as it would take 127.0.0.1."""
    if os.environ.get("DOCKER_HOST", "") not in _USUAL:
        pytest.skip("the engine at DOCKER_HOST may see other files in /etc than this machine's")
    if "::1/128" in client.info()["RegistryConfig"]["InsecureRegistryCIDRs"]:
        pytest.skip("this engine takes ::1 for insecure (from 27 on): it would not look at a certificate")
    if os.geteuid():
        pytest.skip("only root can give this machine a name of its own, for a registry with TLS")
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
    """Gives a registry with a certificate of that kind, by an authority that the engine does not know yet."""
    made: dict[Kind, TlsRegistry] = {}
    with ExitStack() as stack:

        def make(kind: Kind) -> TlsRegistry:
            name = "elsewhere.test" if kind == "misnamed" else own_host_name
            certificate = issue(tmp_path_factory.mktemp("tls"), name, ended=kind == "expired")
            folder = certificate.key.parent
            environment = {
                "REGISTRY_HTTP_TLS_CERTIFICATE": f"/tls/{certificate.certificate.name}",
                "REGISTRY_HTTP_TLS_KEY": f"/tls/{certificate.key.name}",
            }
            volumes = {str(folder): {"bind": "/tls", "mode": "ro"}}
            port = stack.enter_context(_listening(client, "::1", volumes=volumes, environment=environment))
            host = f"{own_host_name}:{port}"
            # The engine reads /etc/hosts anew after 5 seconds only, and asks a name server until then.
            wait_until(lambda: "x509" in _words_about(client, host), pause=0.25)
            return TlsRegistry(host, authority=certificate.authority)

        def get(kind: Kind) -> TlsRegistry:
            if kind not in made:
                made[kind] = make(kind)
            return made[kind]

        yield get


def _words_about(client: docker.DockerClient, host: str) -> str:
    """Return what the engine says when it cannot look something up there."""
    try:
        client.api.inspect_distribution(f"{host}/nothing")
    except APIError as error:
        return str(error.explanation)
    return ""
