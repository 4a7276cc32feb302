"""The test registries work as described, and skopeo reads what was pushed."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from tests import skopeo
from tests.servers.host_name import named
from tests.servers.registries import Kind, TestRegistry, TlsRegistry

Push = Callable[[TestRegistry], str]


@pytest.fixture
def push(client: docker.DockerClient, project_name: str) -> Push:
    """A function that pushes a tiny image as tag 1 of the project's repository, and returns the error message."""

    def push(registry: TestRegistry) -> str:
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(project_name))
        name = f"{registry.host}/{project_name}"
        client.api.import_image_from_data(
            tar.getvalue(), repository=name, tag="1", changes=[f"LABEL seatrial.project={project_name}"]
        )
        login = {"username": registry.user, "password": registry.password} if registry.user else None
        stream = client.api.push(name, "1", stream=True, decode=True, auth_config=login)
        return "".join(line.get("error", "") for line in stream)

    return push


def _holds(registry: TestRegistry, repository: str) -> None:
    """Check that the image is under tag 1, with skopeo and over HTTP."""
    found = skopeo.manifest(registry, repository, "1")
    assert found
    assert len(found["layers"]) == 1
    assert skopeo.tags(registry, repository) == registry.tags(repository) == ["1"]
    assert skopeo.digest(registry, repository, "1") == registry.digest(repository, "1") is not None


def _holds_nothing(registry: TestRegistry, repository: str) -> None:
    assert skopeo.manifest(registry, repository, "1") is None
    assert skopeo.digest(registry, repository, "1") is registry.digest(repository, "1") is None
    assert skopeo.tags(registry, repository) == registry.tags(repository) == []


@pytest.mark.engine
def test_open(open_registry: TestRegistry, project_name: str, push: Push) -> None:
    """The open registry accepts a push without a login; a tag that was not pushed does not exist."""
    _holds_nothing(open_registry, project_name)

    assert push(open_registry) == ""

    _holds(open_registry, project_name)
    assert skopeo.digest(open_registry, project_name, "2") is None


@pytest.mark.engine
def test_guarded(guarded_registry: TestRegistry, project_name: str, push: Push) -> None:
    """The guarded registry accepts its user, and nobody else."""
    stranger = TestRegistry(guarded_registry.host)
    wrong_password = dataclasses.replace(guarded_registry, password="another")

    for user in (stranger, wrong_password):
        assert user.ask("").status_code == 401
        assert push(user)
        with pytest.raises(AssertionError, match=r"unauthorized|authentication required"):
            skopeo.tags(user, project_name)
    _holds_nothing(guarded_registry, project_name)
    assert push(guarded_registry) == ""

    _holds(guarded_registry, project_name)


@pytest.mark.engine
def test_read_only(read_only_registry: TestRegistry, project_name: str, push: Push) -> None:
    """The read-only registry answers, and accepts no push."""
    assert read_only_registry.ask("").status_code == 200
    assert read_only_registry.ask(f"{project_name}/blobs/uploads/", "POST").status_code == 405

    assert push(read_only_registry)

    _holds_nothing(read_only_registry, project_name)


@pytest.mark.engine
def test_tls(tls_registry: Callable[[Kind], TlsRegistry], project_name: str, push: Push) -> None:
    """The engine rejects the TLS registry's certificate unless its authority is trusted."""
    registry = tls_registry("good")
    assert "x509" in push(registry)
    _holds_nothing(registry, project_name)

    with registry.trusted():
        assert push(registry) == ""

    _holds(registry, project_name)
    assert not Path("/etc/docker/certs.d", registry.host).exists()
    assert "x509" in push(registry)


@pytest.mark.engine
@pytest.mark.parametrize(("kind", "part"), [("expired", "expired"), ("misnamed", "valid for elsewhere.test, not")])
def test_bad_certificates(
    tls_registry: Callable[[Kind], TlsRegistry], project_name: str, push: Push, kind: Kind, part: str
) -> None:
    """An expired or misnamed certificate is rejected, also by skopeo, although its authority is trusted."""
    registry = tls_registry(kind)
    with registry.trusted():
        error = push(registry)

    assert "x509" in error
    assert part in error
    with pytest.raises(AssertionError, match=part):
        skopeo.tags(registry, project_name)


@pytest.mark.parametrize("before", [b"", b"127.0.0.1 localhost\n", b"127.0.0.1 localhost\n::1 no-end-of-line"])
def test_names_at_the_same_time(tmp_path: Path, before: bytes) -> None:
    """Names added and removed at the same time do not affect each other, and the file ends unchanged."""
    hosts = tmp_path / "hosts"
    hosts.write_bytes(before)
    inode = hosts.stat().st_ino

    def add_and_remove(_: int) -> bool:
        with named("::1", hosts) as name:
            return f"::1 {name}\n".encode() in hosts.read_bytes()

    with named("::1", hosts), ThreadPoolExecutor(8) as pool:
        assert all(pool.map(add_and_remove, range(40)))

    assert hosts.read_bytes() == before
    assert hosts.stat().st_ino == inode
