"""What is deployed: a published image, by its digest, and the proof that it was tested."""

from __future__ import annotations

from msgspec import Struct

from seatrial.checks.image.policy import policy_fingerprint
from seatrial.engine.model import Image, ImageConfig
from seatrial.errors import Conflict, StepFailed
from seatrial.model.app import VERSION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination, version_of

__all__ = ["Release", "find_release"]


class Release(Struct, frozen=True, kw_only=True):
    """A published version: its own tag in the registry, the digest there, and its image as the registry describes it.

    `warning` is what the user should know about its proof, or empty.
    """

    reference: ImageReference
    digest: str
    version: Version
    image: Image
    warning: str = ""

    @property
    def name(self) -> str:
        """The name with tag and digest, by which a service runs it."""
        return f"{self.reference.familiar}@{self.digest}"


def find_release(world: World, destination: Destination, version: Version | None, *, untested: bool) -> Release:
    """Return the published image of a version, or of the image built last.

    Raise `StepFailed` if it is not published, or neither a verdict nor the ledger knows its digest.
    """
    version = version or version_of(world.image_for(destination.target, None))
    reference = destination.repository.with_tag(destination.tags(version).own[0])
    manifest = world.published_manifest(reference)
    if manifest is None:
        raise StepFailed(
            f"cannot deploy {reference.familiar}",
            reason="it is not published",
            hint=f"invoke release{destination.flags} --version {version}",
        )
    found = world.configuration(reference, manifest)
    if (label := found.labels.get(VERSION_LABEL, str(version))) != str(version):
        raise Conflict(
            f"cannot deploy {reference.familiar}",
            reason=f"the image there says that it is version {label}",
            hint=f"invoke status{destination.flags} (shows what is published)",
        )
    image = Image(
        id=manifest.config or manifest.digest,
        tags=(reference.familiar,),
        labels=found.labels,
        config=ImageConfig(exposed=found.exposed, healthcheck=found.healthcheck),
    )
    warning = _proof(world, destination, image, manifest.digest)
    if warning is None and not untested:
        raise StepFailed(
            f"cannot deploy {reference.familiar}",
            reason=f"nothing here says that {manifest.digest} was tested: neither a verdict nor the ledger knows it",
            hint=f"invoke release{destination.flags} --version {version} (or --untested)",
            cause="untested",
        )
    warning = f"{reference.familiar} is deployed without a passed smoke test" if warning is None else warning
    return Release(reference=reference, digest=manifest.digest, version=version, image=image, warning=warning)


def _proof(world: World, destination: Destination, image: Image, digest: str) -> str | None:
    """Return a warning about the proof that an image was tested (empty for none), or None without such a proof."""
    app = destination.target
    facts = policy_fingerprint(app)
    # With the containerd image store, an image's id is the manifest's digest.
    ids = (image, Image(id=digest))
    if any(world.verified(one, app.checks, facts) for one in ids):
        return ""
    entries = [one for one in world.ledger.newest_first(str(destination.repository)) if digest in one.digests.values()]
    if not entries:
        return None
    tested = any(one.verdict for one in entries)
    return "" if tested else f"{image.name} was published without a passed smoke test, as the ledger says"
