"""push: the registry holds the image under one tag."""

from __future__ import annotations

from dataclasses import dataclass

from lading.app import App
from lading.engine import Image, Tell
from lading.errors import Conflict, StepFailed
from lading.reference import ImageReference
from lading.registry import Manifest
from lading.step import Change, Holds
from lading.steps.destination import Destination, together
from lading.steps.trial import named
from lading.version import Version
from lading.world import World

__all__ = ["Push"]


@dataclass(frozen=True, kw_only=True)
class Push:
    """The registry gives back, for every name of the image, the digest of this very image.

    Only an image that passed its checks is sent. The version's own tag goes first; it is never put over other content
    unless `overwrite` says so.
    """

    target: App
    version: Version | None
    destination: Destination
    overwrite: bool = False
    name: str = "push"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    def plan(self, world: World) -> Change | Holds:
        """Compare what the registry holds under each name with the image."""
        image = world.chosen(self.target, self.version)
        if world.proven(image, self.target.checks) is None:
            raise StepFailed(
                f"{named(image)} is not pushed",
                why="it has not passed its smoke test, and only what has is pushed",
                mend="invoke smoke push" if self.version is None else f"invoke smoke --version {self.version}",
            )
        references = self.destination.references(image)
        held = {reference: world.held(reference) for reference in references}
        missing = [reference for reference, manifest in held.items() if not _same(image, reference, manifest)]
        if not missing:
            first = held[references[0]]
            reason = f"the registry holds it as {together(references)}"
            return Holds(reason=reason, identity=first.digest if first else None)
        published = held[references[0]]
        if published and references[0] in missing and not self.overwrite:
            raise Conflict(
                f"{references[0].familiar} is published with other content",
                why=f"the registry holds {published.digest}, not the image {image.id}",
                mend="choose a new --version, or say --overwrite",
            )
        for reference in missing:
            self._point(image, reference, world.image(reference))
        moving = [reference for reference in missing if held[reference]]
        fresh = [reference for reference in missing if not held[reference]]
        told = [f"{together(fresh)} is not in the registry yet"] if fresh else []
        told += [f"{together(moving)} is another image there"] if moving else []
        before = held[moving[0]] if moving else None
        return Change(reason="; ".join(told), before=before.digest if before else None)

    def apply(self, world: World, change: Change, tell: Tell) -> None:  # noqa: ARG002  every step's signature
        """Send each name the registry does not hold, one after the other, and ask the registry for each."""
        image = world.chosen(self.target, self.version)
        registry = world.registry(self.destination.registry)
        for reference in self.destination.references(image):
            if _same(image, reference, world.held(reference)):
                continue
            self._point(image, reference, world.engine.image(reference.familiar))
            world.engine.push(reference, registry.credential(), tell)
            now = world.engine.image(image.id) or image
            held = world.held(reference)
            if not _same(now, reference, held):
                raise StepFailed(
                    f"{reference.familiar} was sent and is not there",
                    why=f"the registry holds {held.digest if held else 'nothing'} under that name",
                    mend="look whether somebody else pushes there, then run it again",
                )

    def _point(self, image: Image, reference: ImageReference, found: Image | None) -> None:
        """Make sure that the name that is sent is this image's, and not what somebody tagged meanwhile."""
        if found is None or found.id != image.id:
            raise StepFailed(
                f"{reference.familiar} is not pushed",
                why=f"here it points to {found.id if found else 'nothing'}, not to the image that passed, {image.id}",
                mend=f"invoke tag --user {self.destination.user} push --user {self.destination.user}",
            )


def _same(image: Image, reference: ImageReference, manifest: Manifest | None) -> bool:
    """Whether what the registry holds is this image.

    Its id is the config's digest, or with the containerd image store the manifest's own; else the engine knows the
    digest under which it was pushed or pulled.
    """
    if manifest is None:
        return False
    known = f"{reference.name}@{manifest.digest}"
    return image.id in (manifest.config, manifest.digest) or known in image.digests
