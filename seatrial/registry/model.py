"""What a registry holds and what can be asked of it, as frozen data and one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential

__all__ = ["Configuration", "Layer", "Manifest", "Registry"]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer as the registry holds it: its digest and its size in bytes, compressed."""

    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a registry holds under a name: the manifest's digest, and its config's digest (None for an index).

    `body` and `media_type` are the manifest itself, to be put under another tag.
    """

    digest: str
    config: str | None
    layers: tuple[Layer, ...] = ()
    body: bytes = field(default=b"", repr=False, compare=False)
    media_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What an image in a registry says of itself; `layers` are its layers' digests before they were compressed."""

    labels: Mapping[str, str]
    layers: tuple[str, ...] = ()


class Registry(Protocol):
    """One registry, asked with the credentials Docker keeps for it.

    Every method may raise `RegistryUnavailable`, and `PushRefused` when the registry does not let us in.
    """

    @property
    def host(self) -> str:
        """The host as in an `ImageReference`."""
        ...

    def credential(self) -> Credential | None:
        """Return what Docker keeps for this registry, or None."""
        ...

    def manifest(self, reference: ImageReference, *, refresh: bool = False) -> Manifest | None:
        """Return what the registry holds under a tag or digest, or None; with `refresh` by the bytes themselves."""
        ...

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:
        """Return what the image of a manifest says of itself; for an index its first image."""
        ...

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository; none when there is no such repository."""
        ...

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Let a tag point to a manifest that the same repository holds already."""
        ...

    def check_push_permission(self, repository: ImageReference) -> None:
        """Return unless it is known that we may not push there; `PushRefused` then. Nothing is sent."""
        ...

    def check_login(self, credential: Credential) -> None:
        """Return when the registry accepts this credential, raise `PushRefused` when it does not."""
        ...

    def save_credential(self, credential: Credential) -> str:
        """Keep the credential where Docker keeps it, and say where."""
        ...
