"""Ask a registry directly what it holds."""

from __future__ import annotations

import json
from typing import Any

import requests

from bench.timing import CommandFailed
from bench.workspace import Workspace

__all__ = ["MANIFESTS", "blob", "manifest", "published"]

MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
"""The types of manifest that an image can have."""


def manifest(host: str, repository: str, tag: str) -> tuple[str, bytes]:
    """Return the digest and the manifest that a tag points to."""
    answer = _get(f"http://{host}/v2/{repository}/manifests/{tag}")
    return answer.headers["Docker-Content-Digest"], answer.content


def published(workspace: Workspace, host: str, repository: str, image: str) -> tuple[str, dict[str, Any]]:
    """Return the digest and the manifest of an image's tag; `CommandFailed` unless it and `latest` are that image."""
    tag = image.rpartition(":")[2]
    digest, content = manifest(host, repository, tag)
    latest, _ = manifest(host, repository, "latest")
    document: dict[str, Any] = json.loads(content)
    # In containerd's image store an image's id is its manifest's digest.
    if latest != digest or workspace.image_id(image) not in {document["config"]["digest"], digest}:
        raise CommandFailed(f"the registry does not hold {image} under both tags")
    return digest, document


def blob(host: str, repository: str, digest: str) -> bytes:
    """Return a layer."""
    return _get(f"http://{host}/v2/{repository}/blobs/{digest}").content


def _get(url: str) -> requests.Response:
    answer = requests.get(url, headers={"Accept": MANIFESTS}, timeout=30)
    if not answer.ok:
        raise CommandFailed(f"GET {url}: {answer.status_code}")
    return answer
