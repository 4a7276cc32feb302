"""Where an image goes: a user in a registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lading.app import UNCOMMITTED_LABEL, VERSION_LABEL, App
from lading.engine import Image
from lading.errors import UsageError
from lading.reference import DOCKER_HUB, ImageReference
from lading.version import Version

__all__ = ["Destination", "together"]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """An app's repository under a user's name in a registry."""

    target: App
    user: str
    registry: str = DOCKER_HUB

    def references(self, image: Image) -> tuple[ImageReference, ...]:
        """Give the names an image has there: its version's own first, then the moving ones.

        What was built with uncommitted changes moves nothing.
        """
        label = image.labels.get(VERSION_LABEL)
        if label is None:
            raise UsageError(
                f"the image {image.id} has no version",
                why=f"it does not carry the label {VERSION_LABEL}; Lading did not build it",
                mend="invoke build --version 1",
            )
        home = self.target.repository.owned_by(self.user, registry=self.registry)
        version = Version.parse(label)
        tags = (version.text,) if UNCOMMITTED_LABEL in image.labels else version.tags
        return tuple(home.with_tag(tag) for tag in tags)


def together(references: Sequence[ImageReference]) -> str:
    """Give names of one repository for a sentence: `demo/app:1 and :latest`."""
    first, *rest = references
    return " and ".join((first.familiar, *(f":{reference.tag}" for reference in rest)))
