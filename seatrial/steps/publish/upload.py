"""The push of an image under its version's tag, unless somebody else publishes that tag first."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

from msgspec import Struct

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, SeatrialError, StepFailed, Unavailable
from seatrial.events import BytesSent, Event, Transfer
from seatrial.model.app import REVISION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.pipeline.transfers import LayerResult, TransferSummary
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest, Registry
from seatrial.steps.publish.publication import is_same_image
from seatrial.steps.publish.tag import taken
from seatrial.wording import short_digest

__all__ = ["Upload", "when_settled"]

_SECONDS_BETWEEN_LOOKS = 5.0
_PAUSES = (0.2, 0.3, 0.5, 1.0)  # seconds: the last request of an engine that was told to stop ends within them
_T = TypeVar("_T")


def when_settled(world: World, look: Callable[[], _T]) -> _T:
    """Return what `look` returns; while it raises `Conflict`, look again for some seconds.

    Somebody else who published the same version a moment too late puts back what was there.
    """
    for pause in (*_PAUSES, 1.0):
        try:
            return look()
        except Conflict:
            world.retry_policy.sleep(pause)
    return look()


class Upload(Struct, kw_only=True):
    """A push of `image` as `reference`, which gives up after `stall` seconds without progress.

    The engine sends the layers, which takes minutes, and then puts the tag. The registry is asked before, now and then
    while the layers are sent, and between the last layer and the tag. Whatever else is there then is somebody else's,
    and is left alone unless `overwrite` is set.
    """

    world: World
    image: Image
    reference: ImageReference
    overwrite: bool
    stall: float
    emit: Emit
    _sent: set[str] = set()
    _theirs: Manifest | None = None

    def send(self) -> Manifest:
        """Push, with retries, and return the manifest that the registry then holds."""
        manifest = self.world.retry_policy.call(self._attempt, self.emit)
        self.emit(BytesSent(bytes=self._bytes_sent(manifest)))
        return manifest

    def give_way(self, theirs: Manifest) -> NoReturn:
        """Put back what somebody else published as this version just before this push, and raise `Conflict`."""
        self._registry.tag(self.reference, theirs)
        raise self._conflict(theirs)

    @property
    def _registry(self) -> Registry:
        return self.world.registry(self.reference.registry)

    def _attempt(self) -> Manifest:
        if found := self._look():
            return found  # an earlier try succeeded after all
        self._check_name()
        try:
            credential = self._registry.credential(optional=True)
            digest = self.world.engine.push(self.reference, credential, self._watch(), stall=self.stall)
        except Conflict:
            self._give_back()
            raise
        except SeatrialError:
            # Whatever the stream says, only the registry knows whether the push succeeded.
            if found := self._manifest_or_none():
                return found
            raise
        return self._verify(digest)

    def _look(self) -> Manifest | None:
        """Return the manifest if the registry holds this image; raise `Conflict` if it holds somebody else's."""
        found = self._registry.manifest(self.reference)
        if found and self._is_ours(found):
            return found
        if found and not self.overwrite:
            self._theirs = found
            raise self._conflict(found)
        return None

    def _watch(self) -> Emit:
        """Return the observer of one push, which looks again while the layers are sent and when all are there."""
        transfers, next_look = TransferSummary(), time.monotonic() + _SECONDS_BETWEEN_LOOKS

        def on_event(event: Event) -> None:
            nonlocal next_look
            if isinstance(event, Transfer):
                transfers.on_event(event)
                layer = transfers.layers.get(event.layer)
                if layer and layer.result is LayerResult.SENT:
                    self._sent.add(event.layer)
                if transfers.all_done or time.monotonic() > next_look:
                    next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
                    self._look_or_ignore()
            self.emit(event)

        return on_event

    def _look_or_ignore(self) -> None:
        """Raise `Conflict` if somebody else has published the version; a registry that does not answer says nothing."""
        with suppress(StepFailed, Unavailable):
            self._look()

    def _give_back(self) -> None:
        """Put their manifest back if the engine replaces it: its last request may already be under way."""
        for pause in _PAUSES if self._theirs else ():
            if self._theirs and self._manifest_or_none():
                with suppress(SeatrialError):  # tried again, and the conflict matters more
                    self._registry.tag(self.reference, self._theirs)
            self.world.retry_policy.sleep(pause)

    def _verify(self, digest: str | None) -> Manifest:
        """Return what the registry holds after the push; raise an error if that is not what was pushed."""
        found = when_settled(self.world, self._ours_or_nothing)
        if found is None or digest not in (None, found.digest):
            pushed = f", but {digest} was pushed" if digest else ""
            raise StepFailed(
                f"{self.reference.familiar} was pushed but is not in the registry",
                reason=f"the registry holds {found.digest if found else 'nothing'} under this tag{pushed}",
                hint="check whether somebody else pushes there, then run it again",
                transient=found is None,  # some registries show a new image only a moment later
            )
        return found

    def _ours_or_nothing(self) -> Manifest | None:
        found = self._registry.manifest(self.reference)
        if found and not self._is_ours(found):
            raise self._conflict(found)
        return found

    def _is_ours(self, found: Manifest) -> bool:
        """Return whether a manifest is this image's; the engine knows its digest only after the push."""
        return is_same_image(self.image, self.reference, found) or is_same_image(
            self.world.engine.image(self.image.id) or self.image, self.reference, found
        )

    def _manifest_or_none(self) -> Manifest | None:
        """Return what the registry holds if it is this image, None if that is something else or unknown."""
        try:
            found = self._registry.manifest(self.reference)
        except SeatrialError:
            return None
        return found if found and self._is_ours(found) else None

    def _check_name(self) -> None:
        """Raise `Conflict` if the name in the engine, by which it pushes, is another image's by now."""
        found = self.world.engine.image(self.reference.familiar)
        if found is None or found.id != self.image.id:
            raise taken(self.reference, self.image, found)

    def _conflict(self, found: Manifest) -> Conflict:
        try:
            revision = self.world.configuration(self.reference, found).labels.get(REVISION_LABEL, "")
        except SeatrialError:  # only the message needs it
            revision = ""
        return Conflict(
            f"{self.reference.familiar} was just published with other content",
            reason=f"somebody else published {found.digest}" + (f" from commit {revision[:12]}" if revision else ""),
            hint="--version NEW (or --overwrite)",
        )

    def _bytes_sent(self, manifest: Manifest) -> int:
        """Return the compressed size in bytes of the layers sent, which the engine names by uncompressed digests."""
        try:
            uncompressed = self.world.configuration(self.reference, manifest).layers
        except SeatrialError:
            return 0
        return sum(
            layer.size
            for layer, digest in zip(manifest.layers, uncompressed, strict=False)
            if {short_digest(layer.digest), short_digest(digest)} & self._sent
        )
