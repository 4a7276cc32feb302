"""What a number of images save by sharing layers, and what their removal would free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from msgspec import Struct

from seatrial.layers.image_steps import LayeredImage

__all__ = ["Sharing", "freed_bytes"]


class Sharing(Struct, frozen=True, kw_only=True, dict=True):
    """Images of one engine; a layer that several of them have is on the disk once."""

    images: tuple[LayeredImage, ...]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The bytes of each layer, by the id of its chain."""
        return {step.chain: step.size or 0 for image in self.images for step in image.layers if step.chain}

    @cached_property
    def _users(self) -> Counter[str]:
        return Counter(step.chain for image in self.images for step in image.layers if step.chain)

    @property
    def total(self) -> int:
        """The bytes of all images as if none shared anything."""
        return sum(self.sizes[chain] * count for chain, count in self._users.items())

    @property
    def on_disk(self) -> int:
        """The bytes of all layers, each counted once."""
        return sum(self.sizes.values())

    def own(self, image: LayeredImage) -> int:
        """Return the bytes of the layers that no other of the images has."""
        return sum(self.sizes[step.chain] for step in image.layers if step.chain and self._users[step.chain] == 1)


def freed_bytes(removed: Iterable[LayeredImage], kept: Sequence[LayeredImage]) -> int:
    """Return the bytes of the layers that only the removed images have."""
    held = {step.chain for image in kept for step in image.layers}
    return sum(size for chain, size in Sharing(images=tuple(removed)).sizes.items() if chain not in held)
