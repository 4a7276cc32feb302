"""A client for the distribution API: read manifests, configurations and tags, and move tags."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from seatrial.errors import RegistryUnavailable, SeatrialError, sanitize
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential, CredentialStore
from seatrial.registry.errors import push_refused
from seatrial.registry.http import RegistryHttp, grants_push
from seatrial.registry.model import Configuration, Layer, Manifest

if TYPE_CHECKING:
    import requests

__all__ = ["HttpRegistry"]

_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_IMAGE_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = {"Accept": ", ".join((*_INDEX_TYPES, *_IMAGE_TYPES))}
_OK, _FORBIDDEN, _NOT_FOUND = 200, 403, 404
_ACCEPTED = range(200, 300)  # 201 by the specification, 202 from some registries
_MOST_PAGES = 200


class HttpRegistry:
    """The `Registry` that speaks the distribution API."""

    def __init__(self, host: str, store: CredentialStore) -> None:
        self.host = host
        self._store = store
        self._http = RegistryHttp(host)
        self._credential: tuple[Credential | None] | None = None
        self._manifests: dict[tuple[str, str], Manifest] = {}

    def credential(self) -> Credential | None:
        """Return the credential that Docker stores for this registry, or None; it is read only once."""
        if self._credential is None:
            self._credential = (self._store.get(self.host),)
        return self._credential[0]

    def save_credential(self, credential: Credential) -> str:
        """Save the credential as `docker login` does, and return the file or helper that holds it."""
        self._credential = None
        return self._store.put(self.host, credential)

    def manifest(self, reference: ImageReference, *, refresh: bool = False) -> Manifest | None:
        """Return the manifest of an image, or None; its digest is computed from the bytes received.

        A manifest that was downloaded before is reused if the registry reports its digest, unless `refresh`.
        """
        path = f"/v2/{reference.repository}/manifests/{reference.digest or reference.tag or 'latest'}"
        if self._manifests and not refresh:
            # Docker Hub limits pulls; a HEAD request does not count as one.
            digest = self._digest(reference, path)
            if cached := self._manifests.get((reference.repository, digest)):
                return cached
        response = self._read(reference, path, f"{reference} cannot be looked up")
        if response is None:
            return None
        found = self._object(response, f"{reference} cannot be looked up", "manifest")
        config = found.get("config")
        layers = found.get("layers")
        manifest = Manifest(
            digest=f"sha256:{hashlib.sha256(response.content).hexdigest()}",
            config=config.get("digest") if isinstance(config, dict) else None,
            layers=tuple(
                Layer(digest=str(one.get("digest")), size=size if isinstance(size := one.get("size"), int) else 0)
                for one in (layers if isinstance(layers, list) else ())
                if isinstance(one, dict)
            ),
            body=response.content,
            media_type=response.headers.get("Content-Type", "").partition(";")[0] or str(found.get("mediaType", "")),
        )
        self._manifests[reference.repository, manifest.digest] = manifest
        return manifest

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:
        """Return the configuration of a manifest's image; for an index, of its first image."""
        message = f"{reference} cannot be inspected"
        if manifest.config is None:
            first = self.manifest(reference.with_digest(self._first_image(manifest, message)))
            if first is None or first.config is None:
                raise self._bad_answer(message, "its index names an image that does not exist")
            manifest = first
        response = self._read(reference, f"/v2/{reference.repository}/blobs/{manifest.config}", message)
        if response is None:
            raise self._bad_answer(message, f"its configuration {manifest.config} does not exist")
        found = self._object(response, message, "configuration")
        inner, files = found.get("config"), found.get("rootfs")
        labels = inner.get("Labels") if isinstance(inner, dict) else None
        layers = files.get("diff_ids") if isinstance(files, dict) else None
        return Configuration(
            labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
            layers=tuple(map(str, layers)) if isinstance(layers, list) else (),
        )

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository, reading page by page; empty if there is no such repository."""
        message = f"the tags of {repository.name} cannot be listed"
        path: str | None = f"/v2/{repository.repository}/tags/list?n=1000"
        found: list[str] = []
        for _ in range(_MOST_PAGES):
            response = self._read(repository, path, message) if path else None
            if response is None:
                break
            tags = self._object(response, message, "list").get("tags")
            found += map(str, tags if isinstance(tags, list) else ())
            path = _next_page(response)
        return tuple(found)

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Point a tag to a manifest that is already in the same repository."""
        credential, scope = self.credential(), _push_scope(reference)
        path = f"/v2/{reference.repository}/manifests/{reference.tag}"
        headers = {"Content-Type": manifest.media_type}
        response = self._http.send("PUT", path, credential, scope=scope, headers=headers, body=manifest.body)
        if response.status_code not in _ACCEPTED:
            raise self._http.failure(response, f"{reference.familiar} cannot be moved", credential, reference)

    def check_push_permission(self, repository: ImageReference) -> None:
        """Raise `PushRefused` if it is certain that pushing there is not allowed; nothing is pushed."""
        credential, scope = self.credential(), _push_scope(repository)
        response = self._http.send("GET", "/v2/", credential, scope=scope)
        if response.status_code != _OK:
            refused_repository = repository if response.status_code == _FORBIDDEN else None
            raise self._http.failure(response, f"cannot push to {self.host}", credential, refused_repository)
        if grants_push(self._http.token(scope), repository.repository) is False:
            raise push_refused(
                self.host, credential, "denied: the token it issues does not allow pushing there", repository
            )

    def check_login(self, credential: Credential) -> None:
        """Raise `PushRefused` unless the registry accepts this credential."""
        http = RegistryHttp(self.host)  # a new one, without cached tokens
        response = http.send("GET", "/v2/", credential)
        if response.status_code != _OK:
            raise http.failure(response, f"{credential.user} cannot log in to {self.host}", credential)

    def _digest(self, reference: ImageReference, path: str) -> str:
        """Return the digest that the registry reports; empty if it reports none, whatever the reason."""
        scope = f"repository:{reference.repository}:pull"
        response = self._http.send("HEAD", path, self.credential(), scope=scope, headers=_ACCEPT)
        return response.headers.get("Docker-Content-Digest", "") if response.status_code == _OK else ""

    def _read(self, reference: ImageReference, path: str, message: str) -> requests.Response | None:
        credential, scope = self.credential(), f"repository:{reference.repository}:pull"
        response = self._http.send("GET", path, credential, scope=scope, headers=_ACCEPT)
        if response.status_code == _NOT_FOUND:
            return None
        if response.status_code != _OK:
            raise self._http.failure(response, message, credential)
        return response

    def _object(self, response: requests.Response, message: str, kind: str) -> dict[str, Any]:
        try:
            found = json.loads(response.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._bad_answer(
                message, f"{self.host} did not answer with a {kind}: {sanitize(response.text, limit=100)}"
            )
        return found

    def _first_image(self, manifest: Manifest, message: str) -> str:
        """Return the digest of an index's first image; attestations, whose platform is unknown, do not count."""
        try:
            entries = json.loads(manifest.body)["manifests"]
            images = [one for one in entries if (one.get("platform") or {}).get("os") != "unknown"]
            return str(images[0]["digest"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise self._bad_answer(message, "its index names no image") from None

    def _bad_answer(self, message: str, reason: str) -> SeatrialError:
        hint = f"check that {self.host} is a registry and is up"
        return RegistryUnavailable(message, reason=reason, hint=hint, transient=False)


def _next_page(response: requests.Response) -> str | None:
    """Return the path of the next page of a list, or None; a link's host is ignored."""
    try:
        link = urlsplit(urljoin(response.url, response.links["next"]["url"]))
    except (KeyError, ValueError):
        return None
    return f"{link.path}?{link.query}" if link.path.startswith("/") else None


def _push_scope(reference: ImageReference) -> str:
    return f"repository:{reference.repository}:pull,push"
