"""Certificates are checked as the engine does: by the system's authorities, and Docker's own for the host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from seatrial.errors import StepFailed
from seatrial.model.reference import ImageReference
from seatrial.registry import connections
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import CredentialStore
from tests.servers.certificates import trusting
from tests.servers.registries import Kind, TlsRegistry

_OCI = "application/vnd.oci.image"
Tls = Callable[[Kind], TlsRegistry]


def _publish(registry: TlsRegistry, repository: str) -> str:
    """Publish an image without layers as tag 1, without Seatrial's code, and return its digest."""
    config = b'{"config": {"Labels": {"version": "1"}}}'
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    about = {"mediaType": f"{_OCI}.config.v1+json", "digest": digest, "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": f"{_OCI}.manifest.v1+json", "config": about, "layers": []}
    home = f"https://{registry.host}/v2/{repository}/"
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(registry.ca)
        place = session.post(f"{home}blobs/uploads/", timeout=10).headers["Location"]
        assert session.put(urljoin(home, place), params={"digest": digest}, data=config, timeout=10).ok
        body, headers = json.dumps(manifest), {"Content-Type": str(manifest["mediaType"])}
        assert session.put(f"{home}manifests/1", data=body, headers=headers, timeout=10).ok
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"


@pytest.mark.engine
def test_unknown_authority(tls_registry: Tls, project_name: str, store: CredentialStore) -> None:
    """An unknown authority is not trusted; with its certificate at the path in the hint, everything works."""
    server = tls_registry("good")
    digest = _publish(server, project_name)
    registry, image = HttpRegistry(server.host, store), ImageReference.parse(f"{server.host}/{project_name}:1")

    with pytest.raises(StepFailed, match="certificate verify failed") as caught:
        registry.manifest(image)
    assert caught.value.hint.endswith(f"/etc/docker/certs.d/{server.host}/ca.crt")
    assert caught.value.cause == "certificate"
    assert not caught.value.transient

    with server.trusted():
        found = registry.manifest(image)
        assert found
        assert found.digest == digest == server.digest(project_name, "1")
        assert registry.configuration(image, found).labels == {"version": "1"}
        registry.check_push_permission(image)
        registry.tag(image.with_tag("latest"), found)
        assert set(registry.tags(image)) == {"1", "latest"}
    assert server.digest(project_name, "latest") == digest
    with pytest.raises(StepFailed, match="certificate verify failed"):
        HttpRegistry(server.host, store).tags(image)


@pytest.mark.engine
def test_another_host_s_certificate(tls_registry: Tls, store: CredentialStore) -> None:
    """A certificate that names another host is not trusted, although its authority is."""
    server = tls_registry("misnamed")
    with server.trusted(), pytest.raises(StepFailed, match="ostname mismatch"):
        HttpRegistry(server.host, store).tags(ImageReference.parse(f"{server.host}/demo/app"))


@pytest.mark.engine
def test_damaged_authority(own_host_name: str, store: CredentialStore, tmp_path: Path) -> None:
    """A damaged authority file is named in the error before anything is sent."""
    damaged, host = tmp_path / "ca.pem", f"{own_host_name}:1"
    damaged.write_text("-----BEGIN CERTIFICATE-----")
    with trusting(host, damaged), pytest.raises(StepFailed) as caught:
        HttpRegistry(host, store).tags(ImageReference.parse(f"{host}/demo/app"))
    assert caught.value.cause == "certificate"
    assert f"/etc/docker/certs.d/{host}/ca.crt" in caught.value.hint


def test_a_machine_without_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the system has no certificates of authorities, those that requests brings are trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "certs"))
    assert connections._tls_context("registry.invalid").cert_store_stats()["x509_ca"] > 50
