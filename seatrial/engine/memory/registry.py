"""A registry's twin in memory: the same answers, no network."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.engine.model import Image
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential
from seatrial.registry.errors import push_refused
from seatrial.registry.model import Configuration, Manifest

__all__ = ["MemoryRegistry"]


@dataclass
class MemoryRegistry:
    """A registry's twin: what it holds by name, and whom it knows (nobody means that it is open).

    `images` are what engines pushed, by the manifest's digest, to be pulled again.
    """

    host: str
    manifests: dict[str, Manifest] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    saved: Credential | None = None
    images: dict[str, Image] = field(default_factory=dict)

    def credential(self) -> Credential | None:
        """Return what is kept for this registry, or None."""
        return self.saved

    def save_credential(self, credential: Credential) -> str:
        """Keep the credential."""
        self.saved = credential
        return "memory"

    def manifest(self, reference: ImageReference, *, refresh: bool = False) -> Manifest | None:  # noqa: ARG002  all is new
        """Return what is held under a tag or digest, or None."""
        self.authenticate(self.saved)
        if reference.digest:
            repository_name = str(reference.with_tag(""))
            every = (manifest for name, manifest in self.manifests.items() if name.startswith(f"{repository_name}:"))
            return next((manifest for manifest in every if manifest.digest == reference.digest), None)
        return self.manifests.get(str(reference))

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:  # noqa: ARG002  as asked
        """Return what a pushed image says of itself; nothing of others."""
        image = self.images.get(manifest.digest)
        return Configuration(labels=dict(image.labels) if image else {})

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository."""
        self.authenticate(self.saved)
        repository_name = f"{repository}:"
        return tuple(name.removeprefix(repository_name) for name in self.manifests if name.startswith(repository_name))

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Let a tag point to a manifest."""
        self.authenticate(self.saved)
        self.manifests[str(reference)] = manifest

    def check_push_permission(self, repository: ImageReference) -> None:  # noqa: ARG002  whom it knows may push everywhere
        """Return when the user that is kept may push."""
        self.authenticate(self.saved)

    def check_login(self, credential: Credential) -> None:
        """Return when the user is known with this password."""
        self.authenticate(credential)

    def authenticate(self, credential: Credential | None) -> None:
        """Raise `PushRefused` for whom the registry does not know."""
        if not self.users:
            return
        if credential is None or self.users.get(credential.user) != credential.secret.reveal():
            raise push_refused(self.host, credential, "unauthorized: authentication required")
