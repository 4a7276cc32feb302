"""Where an image goes: a user in a registry, and the tags it goes out under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.engine.model import Image
from seatrial.errors import UsageError
from seatrial.model.app import UNCOMMITTED_LABEL, VERSION_LABEL, App
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.model.version import Tags, Version

__all__ = ["Destination", "together", "version_of"]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """An app's repository under a user's name in a registry."""

    target: App
    user: str
    registry: str = DOCKER_HUB

    @property
    def repository(self) -> ImageReference:
        """The repository, without a tag."""
        return self.target.repository.owned_by(self.user, registry=self.registry)

    @property
    def flags(self) -> str:
        """The flags that mean this place, to be typed."""
        return f"--user {self.user}" + ("" if self.registry == DOCKER_HUB else f" --registry {self.registry}")

    def tags(self, version: Version, *, moves: bool = True) -> Tags:
        """Return the tags of a version there; `UsageError` for one that has the name of a moving tag, like `latest`."""
        if version.text in self.target.tags:
            raise UsageError(
                f"version {version} cannot be published",
                reason=f"{version} is a moving tag: it follows the newest release",
                hint="--version 1",
            )
        return version.tags(self.target.tags, moves=moves)

    def tags_of(self, image: Image) -> Tags:
        """Return the tags of an image there; what was built with uncommitted changes moves nothing."""
        return self.tags(version_of(image), moves=UNCOMMITTED_LABEL not in image.labels)

    def references(self, image: Image) -> tuple[ImageReference, ...]:
        """Return the names an image has there: its version's own first, then the moving ones."""
        return tuple(self.repository.with_tag(tag) for tag in self.tags_of(image).all)


def version_of(image: Image) -> Version:
    """Return the version an image was built as; `UsageError` when Seatrial did not build it."""
    label = image.labels.get(VERSION_LABEL)
    if label is None:
        raise UsageError(
            f"the image {image.id} has no version",
            reason=f"it does not carry the label {VERSION_LABEL}; Seatrial did not build it",
            hint="invoke build --version 1",
        )
    return Version.parse(label)


def together(references: Sequence[ImageReference], *, short: bool = False) -> str:
    """Return names of one repository for a sentence: `demo/app:1, :1.4 and :latest`; `short` leaves it out."""
    first, *rest = references
    names = [f":{first.tag}" if short else first.familiar, *(f":{reference.tag}" for reference in rest)]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
