"""What a manifest is that is not an image's: a Helm chart, an empty index, attestations without an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from seatrial.errors import NotAnImage, sanitize

__all__ = ["image_of_index", "require_image"]

_IMAGES: Final = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/octet-stream",  # Docker before 1.10
)
_KINDS: Final = {
    "application/vnd.cncf.helm.config.v1+json": "a Helm chart",
    "application/vnd.wasm.config.v0+json": "a WebAssembly module",
    "application/vnd.docker.plugin.v1+json": "a Docker plugin",
}


def require_image(manifest: Mapping[str, Any], message: str) -> None:
    """Raise `NotAnImage` if a manifest's configuration is of a type that no image has."""
    config = manifest.get("config")
    kind = str(config.get("mediaType") or "") if isinstance(config, dict) else ""
    if kind and kind not in _IMAGES:
        other = f"an artifact of the type {sanitize(str(manifest.get('artifactType') or kind))}"
        raise NotAnImage(message, kind=_KINDS.get(kind, other))


def image_of_index(index: Mapping[str, Any], message: str) -> str:
    """Return the digest of an index's first image; attestations, whose platform is unknown, do not count."""
    found = index.get("manifests")
    entries = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    images = [str(one.get("digest")) for one in entries if _system(one) != "unknown"]
    if not images:
        raise NotAnImage(message, kind="attestations without an image" if entries else "an empty index")
    return images[0]


def _system(entry: Mapping[str, Any]) -> str | None:
    platform = entry.get("platform")
    return platform.get("os") if isinstance(platform, dict) else None
