"""The progress of a step's pushes and pulls: each layer, and a summary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from seatrial.errors import sanitize
from seatrial.events import BytesSent, Transfer
from seatrial.wording import spaced_size

__all__ = ["Layer", "LayerResult", "TransferSummary", "describe"]

_SHORT_ID: Final = 12
_IDLE: Final = ("", "Preparing", "Waiting", "Pulling fs layer")
_RETRYING: Final = re.compile(r"Retrying in (\d+) second")
_HEADLINE: Final = "Pulling from "  # the id of this line is a tag, not a layer


class LayerResult(StrEnum):
    """The result of a layer, in the order in which a summary lists them."""

    SENT = "sent"
    FETCHED = "fetched"
    ALREADY_THERE = "already there"
    MOUNTED = "mounted"


_LAYER_RESULTS: Final = {
    "Pushed": LayerResult.SENT,
    "Pull complete": LayerResult.FETCHED,
    "Layer already exists": LayerResult.ALREADY_THERE,
    "Already exists": LayerResult.ALREADY_THERE,
}


class Layer(Struct, kw_only=True):
    """A layer in transfer.

    `words` is the engine's last text; `current` bytes of `total` (None if unknown) have moved, uncompressed in a push.
    `done` is whether its transfer has ended; the push of another tag may start it again.
    """

    id: str
    words: str = ""
    current: int = 0
    total: int | None = None
    result: LayerResult | None = None
    done: bool = False

    @property
    def waiting(self) -> bool:
        """Whether its transfer has not started."""
        return not self.done and self.words in _IDLE

    @property
    def retry(self) -> int | None:
        """The seconds until the engine retries it, or None if it does not wait for a retry."""
        found = None if self.done else _RETRYING.match(self.words)
        return int(found[1]) if found else None


class TransferSummary:
    """The layers of one step in the order in which they first appeared, each once.

    `sent` is how many bytes were sent over the network, 0 if unknown.
    """

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.sent = 0
        self._moving: set[str] = set()

    @property
    def all_done(self) -> bool:
        """Whether there are layers, and the transfer of each has ended."""
        return bool(self.layers) and not self._moving

    def on_event(self, event: Transfer | BytesSent) -> str | None:
        """Record an event; if the engine begins to wait, return a line that says why, else None."""
        if isinstance(event, BytesSent):
            self.sent += event.bytes
            return None
        words = _words(event.text)
        if words.startswith(_HEADLINE):
            return None
        layer = self.layers.setdefault(event.layer, Layer(id=sanitize(event.layer)[:_SHORT_ID]))
        result = LayerResult.MOUNTED if words.startswith("Mounted from ") else _LAYER_RESULTS.get(words)
        if result:
            # What the first tag sent is already there for the second; it still counts as sent.
            if layer.result is None or result in (LayerResult.SENT, LayerResult.FETCHED):
                layer.result, layer.words = result, words
            layer.done = True
            self._moving.discard(event.layer)
            return None
        if words in _IDLE:
            if not layer.done:
                layer.words, layer.current, layer.total = words, 0, None
                self._moving.add(event.layer)
            return None
        before = layer.retry
        layer.words, layer.done = words, False
        self._moving.add(event.layer)
        if event.total:
            layer.current, layer.total = min(event.current, event.total), event.total
        elif words == "Download complete" and layer.total:  # the last number came before the last bytes
            layer.current = layer.total
        elif event.current and words != "Extracting":  # while extracting, some engines count seconds
            layer.current, layer.total = event.current, None
        now = layer.retry
        return f"layer {layer.id}: {words}" if now is not None and (before is None or now > before) else None

    def summary(self) -> str:
        """Return what moved as one line (`2 layers sent (3.4 MB), 5 already there`), empty if nothing did."""
        return describe(self.layers.values(), sent=self.sent)


@lru_cache(maxsize=64)
def _words(text: str) -> str:
    """Return the engine's text for people: the same few come many thousand times."""
    return sanitize(text)


def describe(layers: Iterable[Layer], *, sent: int = 0) -> str:
    """Return how many layers had which result; `sent` is the size in bytes of those sent, 0 if unknown."""
    counts = Counter(layer.result for layer in layers)
    words: list[str] = []
    for result in LayerResult:
        if count := counts[result]:
            noun = "" if words else " layer" if count == 1 else " layers"
            size = f" ({spaced_size(sent)})" if result is LayerResult.SENT and sent else ""
            words.append(f"{count}{noun} {result.value}{size}")
    return ", ".join(words)
