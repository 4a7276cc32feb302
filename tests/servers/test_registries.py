"""The registries of the tests are what they say, and skopeo reads in them what was pushed."""

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
    """Pushes a tiny image as tag 1 of a repository with the project's name; gives the error's words, if any."""

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
    """See the image under tag 1, by skopeo and over plain HTTP."""
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
    """The open registry takes a push from everybody; a tag that nobody pushed is not there."""
    _holds_nothing(open_registry, project_name)

    assert push(open_registry) == ""

    _holds(open_registry, project_name)
    assert skopeo.digest(open_registry, project_name, "2") is None


@pytest.mark.engine
def test_guarded(guarded_registry: TestRegistry, project_name: str, push: Push) -> None:
    """The guarded registry lets in who has the password, and nobody else."""
    stranger = TestRegistry(guarded_registry.host)
    liar = dataclasses.replace(guarded_registry, password="another")

    for one in (stranger, liar):
        assert one.ask("").status_code == 401
        assert push(one)
        with pytest.raises(AssertionError, match=r"unauthorized|authentication required"):
            skopeo.tags(one, project_name)
    _holds_nothing(guarded_registry, project_name)
    assert push(guarded_registry) == ""

    _holds(guarded_registry, project_name)


@pytest.mark.engine
def test_read_only(read_only_registry: TestRegistry, project_name: str, push: Push) -> None:
    """The read-only registry answers, and takes nothing."""
    assert read_only_registry.ask("").status_code == 200
    assert read_only_registry.ask(f"{project_name}/blobs/uploads/", "POST").status_code == 405

    assert push(read_only_registry)

    _holds_nothing(read_only_registry, project_name)


@pytest.mark.engine
def test_tls(tls_registry: Callable[[Kind], TlsRegistry], project_name: str, push: Push) -> None:
    """The registry with TLS is refused by the engine for its certificate, but not while its authority is trusted."""
    registry = tls_registry("good")
    assert "x509" in push(registry)
    _holds_nothing(registry, project_name)

    with registry.trusted():
        assert push(registry) == ""

    _holds(registry, project_name)
    assert not Path("/etc/docker/certs.d", registry.host).exists()
    assert "x509" in push(registry)


@pytest.mark.engine
@pytest.mark.parametrize(("kind", "words"), [("expired", "expired"), ("misnamed", "valid for elsewhere.test, not")])
def test_bad_certificates(
    tls_registry: Callable[[Kind], TlsRegistry], project_name: str, push: Push, kind: Kind, words: str
) -> None:
    """A certificate that is over or another host's is refused, by skopeo as well, though its authority is trusted."""
    registry = tls_registry(kind)
    with registry.trusted():
        error = push(registry)

    assert "x509" in error
    assert words in error
    with pytest.raises(AssertionError, match=words):
        skopeo.tags(registry, project_name)


@pytest.mark.parametrize("before", [b"", b"127.0.0.1 localhost\n", b"127.0.0.1 localhost\n::1 no-end-of-line"])
def test_names_at_the_same_time(tmp_path: Path, before: bytes) -> None:
    """Names that come and go side by side do not lose each other, and leave the file as it was."""
    hosts = tmp_path / "hosts"
    hosts.write_bytes(before)
    inode = hosts.stat().st_ino

    def come_and_go(_: int) -> bool:
        with named("::1", hosts) as name:
            return f"::1 {name}\n".encode() in hosts.read_bytes()

    with named("::1", hosts), ThreadPoolExecutor(8) as pool:
        assert all(pool.map(come_and_go, range(40)))

    assert hosts.read_bytes() == before
    assert hosts.stat().st_ino == inode
