"""A registry's twin in memory: the same answers, no network."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.engine.model import Image
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential
from seatrial.registry.errors import refused
from seatrial.registry.model import Configuration, Manifest

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

    def manifest(self, reference: ImageReference, *, anew: bool = False) -> Manifest | None:  # noqa: ARG002  all is new
        """Give what is held under a tag or digest, or nothing."""
        self.let_in(self.kept)
        if reference.digest:
            home = str(reference.with_tag(""))
            every = (held for name, held in self.held.items() if name.startswith(f"{home}:"))
            return next((held for held in every if held.digest == reference.digest), None)
        return self.held.get(str(reference))

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:  # noqa: ARG002  as asked
        """Give what a pushed image says of itself; nothing of others."""
        image = self.images.get(manifest.digest)
        return Configuration(labels=dict(image.labels) if image else {})

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Give all tags of a repository."""
        self.let_in(self.kept)
        home = f"{repository}:"
        return tuple(name.removeprefix(home) for name in self.held if name.startswith(home))

    def point(self, reference: ImageReference, manifest: Manifest) -> None:
        """Let a tag point to a manifest."""
        self.let_in(self.kept)
        self.held[str(reference)] = manifest

    def admit(self, repository: ImageReference) -> None:  # noqa: ARG002  whom it knows may push everywhere
        """Return when the user that is kept may push."""
        self.let_in(self.kept)

    def prove(self, credential: Credential) -> None:
        """Return when the user is known with this password."""
        self.let_in(credential)

    def let_in(self, credential: Credential | None) -> None:
        """Raise `PushRefused` for whom the registry does not know."""
        if not self.users:
            return
        if credential is None or self.users.get(credential.user) != credential.secret.reveal():
            raise refused(self.host, credential, "unauthorized: authentication required")
