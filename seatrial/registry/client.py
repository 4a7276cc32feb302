"""A registry asked over the distribution API: tags, digests, labels of what is published, and a tag moved."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from seatrial.errors import RegistryUnavailable, SeatrialError, sanitize
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential, CredentialStore
from seatrial.registry.errors import push_refused
from seatrial.registry.http import RegistryHttp, grants
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
_TAKEN = range(200, 300)  # 201 by the specification, 202 from some
_LARGEST_LIST = 200


class HttpRegistry:
    """A registry that speaks the distribution API, as `Registry` describes it."""

    def __init__(self, host: str, store: CredentialStore) -> None:
        self.host = host
        self._store = store
        self._http = RegistryHttp(host)
        self._credential: tuple[Credential | None] | None = None
        self._manifests: dict[tuple[str, str], Manifest] = {}

    def credential(self) -> Credential | None:
        """Return what Docker keeps for this registry, or None; it is looked up once, for a helper is a process."""
        if self._credential is None:
            self._credential = (self._store.get(self.host),)
        return self._credential[0]

    def save_credential(self, credential: Credential) -> str:
        """Keep the credential where Docker keeps it, and say where."""
        self._credential = None
        return self._store.put(self.host, credential)

    def manifest(self, reference: ImageReference, *, refresh: bool = False) -> Manifest | None:
        """Return what the registry holds under a name, or None; its digest is the one of the bytes received.

        Bytes that were received once are known by the digest that the registry says it holds, unless `refresh`.
        """
        path = f"/v2/{reference.repository}/manifests/{reference.digest or reference.tag or 'latest'}"
        if self._manifests and not refresh:
            # A look that downloads nothing is no pull to Docker Hub, which counts pulls. Content goes by its digest.
            digest = self._digest(reference, path)
            if known := self._manifests.get((reference.repository, digest)):
                return known
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
        """Return what the image of a manifest says of itself; for an index its first image."""
        what = f"{reference} cannot be looked at"
        if manifest.config is None:
            first = self.manifest(reference.with_digest(self._first_image(manifest, what)))
            if first is None or first.config is None:
                raise self._no_image(what, "its index names an image that is not there")
            manifest = first
        response = self._read(reference, f"/v2/{reference.repository}/blobs/{manifest.config}", what)
        if response is None:
            raise self._no_image(what, f"its configuration {manifest.config} is not there")
        found = self._object(response, what, "configuration")
        inner, files = found.get("config"), found.get("rootfs")
        labels = inner.get("Labels") if isinstance(inner, dict) else None
        layers = files.get("diff_ids") if isinstance(files, dict) else None
        return Configuration(
            labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
            layers=tuple(map(str, layers)) if isinstance(layers, list) else (),
        )

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository, page by page; none when there is no such repository."""
        what = f"the tags of {repository.name} cannot be listed"
        path: str | None = f"/v2/{repository.repository}/tags/list?n=1000"
        found: list[str] = []
        for _ in range(_LARGEST_LIST):
            response = self._read(repository, path, what) if path else None
            if response is None:
                break
            tags = self._object(response, what, "list").get("tags")
            found += map(str, tags if isinstance(tags, list) else ())
            path = _following(response)
        return tuple(found)

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Let a tag point to a manifest that the same repository holds already."""
        credential, scope = self.credential(), _push_scope(reference)
        path = f"/v2/{reference.repository}/manifests/{reference.tag}"
        headers = {"Content-Type": manifest.media_type}
        response = self._http.send("PUT", path, credential, scope=scope, headers=headers, body=manifest.body)
        if response.status_code not in _TAKEN:
            raise self._http.failure(response, f"{reference.familiar} cannot be moved", credential, reference)

    def check_push_permission(self, repository: ImageReference) -> None:
        """Return unless it is known that we may not push there; `PushRefused` then. Nothing is sent."""
        credential, scope = self.credential(), _push_scope(repository)
        response = self._http.send("GET", "/v2/", credential, scope=scope)
        if response.status_code != _OK:
            named = repository if response.status_code == _FORBIDDEN else None
            raise self._http.failure(response, f"{self.host} cannot be pushed to", credential, named)
        if grants(self._http.token(scope), repository.repository) is False:
            raise push_refused(self.host, credential, "denied: the token it gives is not for pushing there", repository)

    def check_login(self, credential: Credential) -> None:
        """Return when the registry accepts this credential, raise `PushRefused` when it does not."""
        http = RegistryHttp(self.host)  # one that has answered no challenge yet
        response = http.send("GET", "/v2/", credential)
        if response.status_code != _OK:
            raise http.failure(response, f"{credential.user} cannot log in to {self.host}", credential)

    def _digest(self, reference: ImageReference, path: str) -> str:
        """Return the digest that the registry says it holds; nothing where it says none, for whatever reason."""
        scope = f"repository:{reference.repository}:pull"
        response = self._http.send("HEAD", path, self.credential(), scope=scope, headers=_ACCEPT)
        return response.headers.get("Docker-Content-Digest", "") if response.status_code == _OK else ""

    def _read(self, reference: ImageReference, path: str, what: str) -> requests.Response | None:
        credential, scope = self.credential(), f"repository:{reference.repository}:pull"
        response = self._http.send("GET", path, credential, scope=scope, headers=_ACCEPT)
        if response.status_code == _NOT_FOUND:
            return None
        if response.status_code != _OK:
            raise self._http.failure(response, what, credential)
        return response

    def _object(self, response: requests.Response, what: str, kind: str) -> dict[str, Any]:
        try:
            found = json.loads(response.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._no_image(what, f"{self.host} answered with no {kind}: {sanitize(response.text, limit=100)}")
        return found

    def _first_image(self, manifest: Manifest, what: str) -> str:
        """Return the digest of an index's first image; attestations have no platform."""
        try:
            every = json.loads(manifest.body)["manifests"]
            real = [one for one in every if (one.get("platform") or {}).get("os") != "unknown"]
            return str(real[0]["digest"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise self._no_image(what, "its index names no image") from None

    def _no_image(self, what: str, reason: str) -> SeatrialError:
        error = RegistryUnavailable(what, reason=reason, hint=f"look whether {self.host} is a registry and well")
        error.transient = False
        return error


def _following(response: requests.Response) -> str | None:
    """Return the path of the next page of a list; a link to another host means the same one."""
    try:
        link = urlsplit(urljoin(response.url, response.links["next"]["url"]))
    except (KeyError, ValueError):
        return None
    return f"{link.path}?{link.query}" if link.path.startswith("/") else None


def _push_scope(reference: ImageReference) -> str:
    return f"repository:{reference.repository}:pull,push"
