"""The JSON documents of `layers` as types."""

from __future__ import annotations

from seatrial.layers.comparison import StepState
from seatrial.output.document_part import Part

__all__ = [
    "ImageStepDocument",
    "LayeredImageDocument",
    "LayersDocument",
    "ReuseDocument",
    "SharedImageDocument",
    "SharingDocument",
    "TrafficDocument",
]


class ImageStepDocument(Part, frozen=True, kw_only=True):
    """A step of an image; `layer` is the digest of its uncompressed layer, null if it made none.

    `size` is as in `docker history`, `compressed_size` as in the registry; null if unknown.
    """

    instruction: str
    layer: str | None
    size: int | None
    compressed_size: int | None
    state: StepState


class LayeredImageDocument(Part, frozen=True, kw_only=True):
    """An image; `id` is null if only a registry has it."""

    name: str
    id: str | None
    size: int | None
    layers: int


class ReuseDocument(Part, frozen=True, kw_only=True):
    """Where reuse ends: the instruction, its line in the Dockerfile, why, and what mends it.

    `again_bytes` is the size of later layers that were made again although their instructions are the same.
    """

    instruction: str
    line: int | None
    reason: str
    again_bytes: int | None
    hint: str | None


class TrafficDocument(Part, frozen=True, kw_only=True):
    """What a push and a pull move, in bytes; null if unknown, and then `reason` says why.

    `push_bytes` is exact if `push_is_exact`, else the size before compression, of `push_layers` layers; the engine can
    have `mounted_layers` more mounted from other repositories of the registry. `pull_bytes` is for a machine without
    any of the layers, `update_bytes` for one that has the other image.
    """

    repository: str
    published: bool
    push_bytes: int | None
    push_is_exact: bool
    push_layers: int
    mounted_layers: int
    pull_bytes: int | None
    update_bytes: int | None
    reason: str | None


class LayersDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.layers/1"):
    """An image's steps and layers, beside another image if there is one; `only_against` are that one's own."""

    image: LayeredImageDocument
    against: LayeredImageDocument | None
    steps: tuple[ImageStepDocument, ...]
    only_against: tuple[ImageStepDocument, ...]
    shared_bytes: int | None
    new_bytes: int | None
    reuse: ReuseDocument | None
    traffic: TrafficDocument | None


class SharedImageDocument(Part, frozen=True, kw_only=True):
    """An image with its size, and the bytes that no other image has."""

    names: tuple[str, ...]
    id: str
    size: int | None
    own_bytes: int


class SharingDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.sharing/1"):
    """What the images of an engine save by sharing layers."""

    images: tuple[SharedImageDocument, ...]
    total_bytes: int
    disk_bytes: int
    saved_bytes: int
