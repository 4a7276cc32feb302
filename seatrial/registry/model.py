"""The interface to a registry and its data types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential

__all__ = ["Configuration", "HistoryRecord", "Layer", "Manifest", "Registry"]


class Layer(Struct, frozen=True, kw_only=True):
    """A layer in a registry: its digest and its compressed size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest in a registry: its digest, and the digest of its configuration (None for an index).

    `body` and `media_type` are the manifest itself, so that it can be stored under another tag.
    """

    digest: str
    config: str | None
    layers: tuple[Layer, ...] = ()
    body: bytes = field(default=b"", repr=False, compare=False)
    media_type: str = ""


class HistoryRecord(Struct, frozen=True, kw_only=True):
    """A step of an image's history: the instruction, a comment, and whether it made no layer."""

    created_by: str
    comment: str
    empty: bool


class Configuration(Struct, frozen=True, kw_only=True):
    """The configuration of an image in a registry.

    `layers` are the digests of its uncompressed layers, the lowest first, and `blobs` the layers as the registry has
    them. `history` has one record for each step, the oldest first. `exposed` are ports as in `5000/tcp`, `healthcheck`
    is whether there is one.
    """

    labels: Mapping[str, str]
    layers: tuple[str, ...] = ()
    blobs: tuple[Layer, ...] = ()
    history: tuple[HistoryRecord, ...] = ()
    exposed: tuple[str, ...] = ()
    healthcheck: bool = False


class Registry(Protocol):
    """One registry, used with the credentials that Docker stores for it.

    Every method may raise `RegistryUnavailable`, and `PushRefused` if the registry denies access.
    """

    @property
    def host(self) -> str:
        """The registry's host as in an `ImageReference`."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What the user should know about the credentials that were read."""
        ...

    def credential(self, *, optional: bool = False) -> Credential | None:
        """Return the credential that Docker stores for this registry, or None.

        With `optional`, a helper that does not work counts as none unless the registry has asked for a login.
        """
        ...

    def manifest(self, reference: ImageReference, *, refresh: bool = False) -> Manifest | None:
        """Return the manifest of a tag or digest, or None; with `refresh` it is always downloaded."""
        ...

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:
        """Return the configuration of a manifest's image; for an index, of its first image."""
        ...

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository; empty if there is no such repository."""
        ...

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Point a tag to a manifest that is already in the same repository."""
        ...

    def check_push_permission(self, repository: ImageReference) -> None:
        """Raise `PushRefused` if it is certain that pushing there is not allowed; nothing is pushed."""
        ...

    def check_login(self, credential: Credential) -> None:
        """Raise `PushRefused` unless the registry accepts this credential."""
        ...

    def save_credential(self, credential: Credential) -> str:
        """Save the credential as `docker login` does, and return the file or helper that holds it."""
        ...
