"""A registry's twin in memory: the same answers, no network."""

from __future__ import annotations

from dataclasses import dataclass, field

from lading.credentials import Credential
from lading.engine.model import Image
from lading.reference import ImageReference
from lading.registry import Manifest, refused

__all__ = ["MemoryRegistry"]


@dataclass
class MemoryRegistry:
    """A registry's twin: what it holds by name, and whom it knows (nobody means that it is open).

    `images` are what engines pushed, by the manifest's digest, to be pulled again.
    """

    host: str
    held: dict[str, Manifest] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    kept: Credential | None = None
    images: dict[str, Image] = field(default_factory=dict)

    def credential(self) -> Credential | None:
        """Give what is kept for this registry, or nothing."""
        return self.kept

    def keep(self, credential: Credential) -> str:
        """Keep the credential."""
        self.kept = credential
        return "memory"

    def manifest(self, reference: ImageReference) -> Manifest | None:
        """Give what is held under a tag, or nothing."""
        self.admit(self.kept)
        return self.held.get(str(reference))

    def prove(self, credential: Credential) -> None:
        """Return when the user is known with this password."""
        self.admit(credential)

    def admit(self, credential: Credential | None) -> None:
        """Raise `PushRefused` for whom the registry does not know."""
        if not self.users:
            return
        if credential is None or self.users.get(credential.user) != credential.secret.reveal():
            raise refused(self.host, credential, "unauthorized: authentication required")
