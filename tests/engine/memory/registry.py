"""A registry in memory: the answers of a real registry without a network."""

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
    """A registry in memory: its `manifests` by image name, and its `users` with their passwords (none: it is open).

    `images` are the images that engines pushed, by the manifest's digest, so that they can be pulled again.
    """

    host: str
    manifests: dict[str, Manifest] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    saved: Credential | None = None
    images: dict[str, Image] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return no warnings."""
        return ()

    def credential(self, *, optional: bool = False) -> Credential | None:
        """Return the credential saved for this registry, or None."""
        return self.saved

    def save_credential(self, credential: Credential) -> str:
        """Save the credential."""
        self.saved = credential
        return "memory"

    def manifest(self, reference: ImageReference, *, refresh: bool = False) -> Manifest | None:
        """Return the manifest of a tag or digest, or None."""
        self.authenticate(self.saved)
        if reference.digest:
            repository_name = str(reference.with_tag(""))
            in_repository = (
                manifest for name, manifest in self.manifests.items() if name.startswith(f"{repository_name}:")
            )
            return next((manifest for manifest in in_repository if manifest.digest == reference.digest), None)
        return self.manifests.get(str(reference))

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:
        """Return the configuration of an image that an engine pushed; empty for others."""
        image = self.images.get(manifest.digest)
        layers = image.layers if image else ()
        exposed = image.exposed if image else ()
        labels = dict(image.labels) if image else {}
        return Configuration(labels=labels, layers=layers, blobs=manifest.layers, exposed=exposed)

    def tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository."""
        self.authenticate(self.saved)
        repository_name = f"{repository}:"
        return tuple(name.removeprefix(repository_name) for name in self.manifests if name.startswith(repository_name))

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Point a tag to a manifest."""
        self.authenticate(self.saved)
        self.manifests[str(reference)] = manifest

    def check_push_permission(self, repository: ImageReference) -> None:
        """Raise `PushRefused` unless the saved user may push."""
        self.authenticate(self.saved)

    def check_login(self, credential: Credential) -> None:
        """Raise `PushRefused` unless this user has this password."""
        self.authenticate(credential)

    def authenticate(self, credential: Credential | None) -> None:
        """Raise `PushRefused` unless the registry is open or knows these credentials."""
        if not self.users:
            return
        if credential is None or self.users.get(credential.user) != credential.secret.reveal():
            raise push_refused(self.host, credential, "unauthorized: authentication required")
