"""The steps that made an image, each with its layer: the engine's history, joined with the digests of the layers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from seatrial.engine.failures import AbsentError
from seatrial.engine.model import HistoryEntry, Image, ImageHistory
from seatrial.engine.protocol import Engine
from seatrial.registry.model import Configuration

__all__ = [
    "ImageStep",
    "LayeredImage",
    "chain_ids",
    "layered_image",
    "layered_images",
    "published_image",
    "read_instruction",
    "total_size",
    "with_steps",
]

_BUILDKIT: Final = "buildkit"
_NO_RECORD: Final = "(no record of this step)"
_ADDING: Final = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})
_SETTING: Final = frozenset(
    {
        "ARG",
        "CMD",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
    }
)
_NOP: Final = re.compile(r"/bin/sh -c #\(nop\)\s+")
_BUILDKIT_MARK: Final = re.compile(r"\s*# buildkit$")
_RUN: Final = re.compile(r"RUN (?:\|(\d+) )?(.*)", re.DOTALL)
_ARGUMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*?) (?=[A-Za-z_]\w*=|/bin/sh -c )", re.DOTALL)
_EXPOSE: Final = re.compile(r"(\d+/[a-z]+)")
_HEALTHCHECK: Final = re.compile(r"HEALTHCHECK &\{\[(.*?)\]")


class ImageStep(Struct, frozen=True, kw_only=True):
    """A step of an image: an instruction as in the Dockerfile, or text that says where the layer comes from.

    `arguments` are the build arguments that a RUN sees. `layer` is the digest of the uncompressed layer, and `chain`
    identifies it together with all layers below; both are None for a step that only sets something. `size` is in bytes
    as `docker history` shows it, None if unknown.
    """

    text: str
    arguments: tuple[str, ...] = ()
    layer: str | None = None
    chain: str | None = None
    size: int | None = None

    @property
    def keyword(self) -> str:
        """The instruction's keyword; empty if the text is none."""
        word = self.text.partition(" ")[0]
        return word if word in _ADDING | _SETTING else ""


class LayeredImage(Struct, frozen=True, kw_only=True):
    """An image with its steps, the oldest first; `id` is empty for an image that only a registry has.

    `size` is the size of its layers in bytes, None if unknown.
    """

    name: str
    id: str = ""
    steps: tuple[ImageStep, ...]
    names: tuple[str, ...] = field(default=())

    @property
    def layers(self) -> tuple[ImageStep, ...]:
        """The steps that made a layer."""
        return tuple(step for step in self.steps if step.layer)

    @property
    def size(self) -> int | None:
        """The bytes of all layers, None if unknown."""
        sizes = [step.size for step in self.layers]
        return None if None in sizes else sum(filter(None, sizes))


def layered_image(engine: Engine, image: Image) -> LayeredImage:
    """Return an image of the engine with its steps."""
    inspected = image if image.layers else engine.image(image.id) or image  # a list does not name the layers
    return with_steps(image, ImageHistory(entries=tuple(engine.history(image.id)), layers=inspected.layers))


def layered_images(engine: Engine, images: Iterable[Image]) -> Iterator[LayeredImage]:
    """Yield images with their steps, without those that somebody has just removed."""
    for image in images:
        try:
            found = layered_image(engine, image)
        except AbsentError:
            continue
        yield found


def with_steps(image: Image, history: ImageHistory) -> LayeredImage:
    """Return an image with the steps in its history."""
    steps = tuple(_joined(history.entries[::-1], history.layers))
    return LayeredImage(name=image.name, id=image.id, steps=steps, names=image.tags)


def published_image(name: str, configuration: Configuration) -> LayeredImage:
    """Return an image that a registry has; the sizes of its uncompressed layers are unknown."""
    layers = iter(zip(configuration.layers, chain_ids(configuration.layers), strict=True))
    steps = []
    for record in configuration.history:
        text, arguments = read_instruction(record.created_by, record.comment)
        layer, chain = (None, None) if record.empty else next(layers, (None, None))
        steps.append(ImageStep(text=text, arguments=arguments, layer=layer, chain=chain, size=None if layer else 0))
    steps += [_nameless(layer, chain) for layer, chain in layers]
    return LayeredImage(name=name, steps=tuple(steps))


def chain_ids(layers: Sequence[str]) -> tuple[str, ...]:
    """Return for each layer the id of itself on those below, as Docker computes it."""
    chain, found = "", []
    for layer in layers:
        chain = f"sha256:{hashlib.sha256(f'{chain} {layer}'.encode()).hexdigest()}" if chain else layer
        found.append(chain)
    return tuple(found)


def read_instruction(created_by: str, comment: str = "") -> tuple[str, tuple[str, ...]]:
    """Return a history entry as an instruction of a Dockerfile, and the build arguments of a RUN."""
    text = " ".join(_BUILDKIT_MARK.sub("", created_by).split())
    if classic := _NOP.match(text):
        return _tidy(text[classic.end() :]), ()
    if text.startswith("/bin/sh -c "):
        return f"RUN {text.removeprefix('/bin/sh -c ')}", ()
    found = _RUN.fullmatch(text)
    if found is None:
        return _tidy(text) or _origin(comment), ()
    arguments: tuple[str, ...] = ()
    command = found[2]
    if found[1]:
        before, shell, after = command.partition("/bin/sh -c ")
        arguments = tuple(f"{one[1]}={one[2]}" for one in _ARGUMENT.finditer(before + shell))
        command = shell + after
    return f"RUN {command.removeprefix('/bin/sh -c ')}", arguments


def _origin(comment: str) -> str:
    """Return where a layer without an instruction comes from."""
    return "(an imported root file system)" if comment.startswith("Imported from") else comment or _NO_RECORD


def _tidy(text: str) -> str:
    """Return an instruction without the notation of the builder's own data types."""
    if text.startswith("EXPOSE "):
        return " ".join(("EXPOSE", *_EXPOSE.findall(text)))
    if test := _HEALTHCHECK.match(text):
        return "HEALTHCHECK " + " ".join(word.strip('"') for word in re.findall(r'"[^"]*"|\S+', test[1]))
    return text


def _joined(entries: Sequence[HistoryEntry], layers: Sequence[str]) -> Iterator[ImageStep]:
    """Yield the steps with their layers; the engine's history does not say which step has one."""
    makes_layer = _makers(entries, len(layers))
    found = iter(zip(layers, chain_ids(layers), strict=True))
    for entry, makes in zip(entries, makes_layer, strict=True):
        text, arguments = read_instruction(entry.created_by, entry.comment)
        step = ImageStep(text=text, arguments=arguments, size=entry.size)
        layer, chain = next(found, (None, None)) if makes else (None, None)
        yield replace(step, layer=layer, chain=chain)
    yield from (_nameless(layer, chain) for layer, chain in found)


def _makers(entries: Sequence[HistoryEntry], count: int) -> list[bool]:
    """Return for each step whether it made a layer.

    One with bytes did, and one that only sets something did not. BuildKit makes a layer for every RUN, COPY, ADD and
    WORKDIR, also for an empty one; the classic builder leaves empty ones out, so there the number of layers decides.
    """
    certain = [_certainty(entry) for entry in entries]
    missing = count - certain.count(True)
    for number, known in enumerate(certain):
        if known is None:
            certain[number] = missing > 0
            missing -= 1
    return [bool(known) for known in certain]


def _certainty(entry: HistoryEntry) -> bool | None:
    if entry.size:
        return True
    text, _ = read_instruction(entry.created_by)
    keyword = text.partition(" ")[0]
    if keyword in _SETTING or text == "WORKDIR /":
        return False
    return True if keyword in _ADDING and _BUILDKIT in entry.comment else None


def _nameless(layer: str, chain: str) -> ImageStep:
    """Return the step of a layer that the history does not mention."""
    return ImageStep(text=_NO_RECORD, layer=layer, chain=chain)


def total_size(sizes: Iterable[int | None]) -> int | None:
    """Return the sum of sizes, None if one is unknown."""
    known = [*sizes]
    return None if None in known else sum(filter(None, known))
