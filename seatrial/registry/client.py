"""A client for the distribution API: read manifests, configurations and tags, and move tags."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from seatrial.errors import NotAnImage, RegistryUnavailable, SeatrialError, sanitize
from seatrial.model.reference import ImageReference
from seatrial.registry.artifact import image_of_index, require_image
from seatrial.registry.connections import Response
from seatrial.registry.credentials import Credential, CredentialStore, HelperError
from seatrial.registry.http import RegistryHttp, grants_push
from seatrial.registry.model import Configuration, HistoryRecord, Layer, Manifest

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
_LINK, _RELATION = re.compile("<([^<>]*)>([^<>]*)"), re.compile(r""";\s*rel\s*=\s*["']?([^"';,]*)""", re.IGNORECASE)
_OK, _FORBIDDEN, _NOT_FOUND = 200, 403, 404
_ACCEPTED = range(200, 300)  # 201 by the specification, 202 from some registries


class HttpRegistry:
    """The `Registry` that speaks the distribution API."""

    def __init__(self, host: str, store: CredentialStore) -> None:
        self.host = host
        self._store = store
        self._http = RegistryHttp(host, self.credential)
        self._credential: tuple[Credential | None] | None = None
        self._manifests: dict[str, dict[str, Manifest]] = {}

    @property
    def warnings(self) -> Sequence[str]:
        """What the user should know about the credentials that were read."""
        return self._store.warnings

    def credential(self, *, optional: bool = False) -> Credential | None:
        """Return the credential that Docker stores for this registry, or None; it is read only once.

        With `optional`, a helper that does not work counts as none unless the registry has asked for a login.
        """
        if self._credential is None:
            try:
                self._credential = (self._store.get(self.host),)
            except HelperError:
                if optional and not self._http.wants_login:
                    return None
                raise
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
        known = self._manifests.setdefault(reference.repository, {})
        if known and not refresh:
            # Docker Hub limits pulls; a HEAD request does not count as one.
            digest = self._digest(reference, path)
            if cached := known.get(digest):
                return cached
        response = self._read(reference, path, f"{reference} cannot be looked up")
        if response is None:
            return None
        found = self._object(response, f"{reference} cannot be looked up", "manifest")
        config = found.get("config")
        layers = found.get("layers")
        manifest = Manifest(
            digest=f"sha256:{hashlib.sha256(response.content).hexdigest()}",
            config=str(config["digest"]) if isinstance(config, dict) and config.get("digest") else None,
            layers=tuple(
                Layer(digest=str(one.get("digest")), size=size if isinstance(size := one.get("size"), int) else 0)
                for one in (layers if isinstance(layers, list) else ())
                if isinstance(one, dict)
            ),
            body=response.content,
            media_type=_media_type(found, response.header("Content-Type").partition(";")[0]),
        )
        known[manifest.digest] = manifest
        return manifest

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:
        """Return the configuration of a manifest's image; for an index, of its first image."""
        message = f"{reference} cannot be inspected"
        content = json.loads(manifest.body or b"{}")
        if manifest.config is None and "manifests" in content:
            first = self.manifest(reference.with_digest(image_of_index(content, message)))
            if first is None:
                raise NotAnImage(message, kind="an index whose image does not exist")
            manifest, content = first, json.loads(first.body)
        if manifest.config is None:
            raise NotAnImage(message, kind="a manifest without a configuration")
        require_image(content, message)
        response = self._read(reference, f"/v2/{reference.repository}/blobs/{manifest.config}", message)
        if response is None:
            raise NotAnImage(message, kind="an image whose configuration does not exist")
        found = self._object(response, message, "configuration")
        inner, files = found.get("config"), found.get("rootfs")
        inner = inner if isinstance(inner, dict) else {}
        labels, exposed, health = inner.get("Labels"), inner.get("ExposedPorts"), inner.get("Healthcheck")
        layers = files.get("diff_ids") if isinstance(files, dict) else None
        return Configuration(
            labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
            layers=tuple(map(str, layers)) if isinstance(layers, list) else (),
            blobs=manifest.layers,
            history=_history(found.get("history")),
            exposed=tuple(map(str, exposed)) if isinstance(exposed, dict) else (),
            healthcheck=isinstance(health, dict) and (health.get("Test") or ["NONE"])[:1] != ["NONE"],
        )

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository, reading page by page; empty if there is no such repository."""
        message = f"the tags of {repository.name} cannot be listed"
        path: str | None = f"/v2/{repository.repository}/tags/list?n=1000"
        found: dict[str, None] = {}
        while path:
            response = self._read(repository, path, message)
            if response is None and not found:
                return ()
            if response is None:
                raise self._bad_answer(message, f"the list goes on behind {len(found)} tags, but not its next page")
            tags = self._object(response, message, "list").get("tags")
            if not isinstance(tags, list | None):
                raise self._bad_answer(message, f"{self.host} did not answer with a list of tags")
            known = len(found)
            found |= dict.fromkeys(map(str, tags or ()))
            path = self._next_page(response, message)
            if path and len(found) == known:
                raise self._bad_answer(message, "a page of the list has no new tag, and yet a next page")
        return tuple(found)

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Point a tag to a manifest that is already in the same repository."""
        path = f"/v2/{reference.repository}/manifests/{reference.tag}"
        headers = {"Content-Type": manifest.media_type}
        response = self._http.send("PUT", path, scope=_push_scope(reference), headers=headers, body=manifest.body)
        if response.status not in _ACCEPTED:
            raise self._http.failure(response, f"{reference.familiar} cannot be moved", reference)

    def check_push_permission(self, repository: ImageReference) -> None:
        """Raise `PushRefused` if it is certain that pushing there is not allowed; nothing is pushed."""
        self.credential(optional=True)  # damaged credentials fail before anything is built
        scope = _push_scope(repository)
        response = self._http.send("GET", "/v2/", scope=scope)
        if response.status != _OK:
            refused_repository = repository if response.status == _FORBIDDEN else None
            raise self._http.failure(response, f"cannot push to {self.host}", refused_repository)
        if grants_push(self._http.token(scope), repository.repository) is False:
            raise self._http.refused("denied: the token it issues does not allow pushing there", repository)

    def check_login(self, credential: Credential) -> None:
        """Raise `PushRefused` unless the registry accepts this credential."""
        http = RegistryHttp(self.host, lambda: credential)  # a new one, without cached tokens
        response = http.send("GET", "/v2/")
        if response.status != _OK:
            raise http.failure(response, f"{credential.user} cannot log in to {self.host}")

    def _digest(self, reference: ImageReference, path: str) -> str:
        """Return the digest that the registry reports; empty if it reports none, whatever the reason."""
        scope = f"repository:{reference.repository}:pull"
        response = self._http.send("HEAD", path, scope=scope, headers=_ACCEPT)
        return response.header("Docker-Content-Digest") if response.status == _OK else ""

    def _read(self, reference: ImageReference, path: str, message: str) -> Response | None:
        scope = f"repository:{reference.repository}:pull"
        response = self._http.send("GET", path, scope=scope, headers=_ACCEPT)
        if response.status == _NOT_FOUND:
            return None
        if response.status != _OK:
            raise self._http.failure(response, message)
        return response

    def _object(self, response: Response, message: str, kind: str) -> dict[str, Any]:
        try:
            found = json.loads(response.content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._bad_answer(
                message, f"{self.host} did not answer with a {kind}: {sanitize(response.text, limit=100)}"
            )
        return found

    def _next_page(self, response: Response, message: str) -> str | None:
        """Return the path of the next page of a list, or None; a link's host is ignored."""
        header = response.header("Link")
        links = ((link[1], _RELATION.search(link[2])) for link in _LINK.finditer(header))
        url = next((url for url, relation in links if relation and "next" in relation[1].lower().split()), None)
        if url is None and "next" not in header.lower():
            return None
        try:
            link = urlsplit(urljoin(response.url, url or "//"))
        except ValueError:
            link = urlsplit("")
        if not link.path.endswith("/tags/list"):  # Artifactory's begins with a path of its own
            raise self._bad_answer(message, "the link to the next page of the list is not valid")
        return f"{link.path}?{link.query}"

    def _bad_answer(self, message: str, reason: str) -> SeatrialError:
        hint = f"check that {self.host} is a registry and is up"
        return RegistryUnavailable(message, reason=reason, hint=hint, transient=False)


def _media_type(manifest: Mapping[str, Any], header: str) -> str:
    """Return the type of a manifest; some registries send a general one, and a manifest need not name its own."""
    named = manifest.get("mediaType") or header
    if named in (*_INDEX_TYPES, *_IMAGE_TYPES):
        return str(named)
    return (_INDEX_TYPES if "manifests" in manifest else _IMAGE_TYPES)[0]


def _history(found: object) -> tuple[HistoryRecord, ...]:
    """Return the records of a configuration's history."""
    return tuple(
        HistoryRecord(
            created_by=str(one.get("created_by") or ""),
            comment=str(one.get("comment") or ""),
            empty=bool(one.get("empty_layer")),
        )
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict)
    )


def _push_scope(reference: ImageReference) -> str:
    return f"repository:{reference.repository}:pull,push"
