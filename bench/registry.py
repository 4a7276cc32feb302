"""Ask a registry directly what it holds."""

from __future__ import annotations

import requests

from bench.timing import CommandFailed

__all__ = ["blob", "manifest"]

_MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


def manifest(host: str, repository: str, tag: str) -> tuple[str, bytes]:
    """Return the digest and the manifest that a tag points to."""
    answer = _get(f"http://{host}/v2/{repository}/manifests/{tag}")
    return answer.headers["Docker-Content-Digest"], answer.content


def blob(host: str, repository: str, digest: str) -> bytes:
    """Return a layer."""
    return _get(f"http://{host}/v2/{repository}/blobs/{digest}").content


def _get(url: str) -> requests.Response:
    answer = requests.get(url, headers={"Accept": _MANIFESTS}, timeout=30)
    if not answer.ok:
        raise CommandFailed(f"GET {url}: {answer.status_code}")
    return answer
