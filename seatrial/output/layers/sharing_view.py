"""What pictures of an engine's images show: each image's shared and own bytes, and the sums."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from seatrial.errors import sanitize
from seatrial.layers.image_steps import LayeredImage
from seatrial.layers.sharing import Sharing
from seatrial.output.layers.view import Fact
from seatrial.wording import and_more, pluralize, short_digest, spaced_size

__all__ = ["ImageRow", "SharingView"]


class ImageRow(Struct, frozen=True, kw_only=True):
    """An image as it is shown; the shares are parts of the largest image, from 0 to 1."""

    name: str
    size: str
    own: str
    shared_share: float
    own_share: float


class SharingView(Struct, frozen=True, kw_only=True, dict=True):
    """The images of an engine, those with the most bytes of their own first."""

    sharing: Sharing

    title = "What the images here share"

    @cached_property
    def rows(self) -> tuple[ImageRow, ...]:
        """One row for each image."""
        images = sorted(self.sharing.images, key=lambda one: (-self.sharing.own(one), -(one.size or 0), one.name))
        largest = max((one.size or 0 for one in images), default=0) or 1
        return tuple(self._row(one, largest) for one in images)

    @property
    def facts(self) -> list[Fact]:
        """The sums."""
        total, disk = self.sharing.total, self.sharing.on_disk
        part = f"{100 * (total - disk) / total:.0f} %" if total else ""
        count = pluralize(len(self.sharing.images), "image")
        return [
            Fact("without sharing", spaced_size(total), f"in {count}"),
            Fact("on the disk", spaced_size(disk), f"in {pluralize(len(self.sharing.sizes), 'layer')}"),
            Fact("saved by sharing", spaced_size(total - disk), part),
        ]

    def _row(self, image: LayeredImage, largest: int) -> ImageRow:
        own, size = self.sharing.own(image), image.size or 0
        return ImageRow(
            name=sanitize(f"{image.name or short_digest(image.id)} {and_more(len(image.names) - 1)}", limit=120),
            size=spaced_size(size),
            own=spaced_size(own),
            shared_share=(size - own) / largest,
            own_share=own / largest,
        )
