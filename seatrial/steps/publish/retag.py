"""Point several tags at a manifest in the registry, report each result, and make the ledger's entry."""

from __future__ import annotations

import threading
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime

from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, SeatrialError, StepFailed
from seatrial.events import Event
from seatrial.host.signals import start_thread
from seatrial.model.app import BUILDER_LABEL, INPUTS_LABEL, REVISION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination
from seatrial.wording import pluralize

__all__ = ["TagErrors", "entry_for", "partial_failure", "retag_all"]

TagErrors = dict[ImageReference, SeatrialError | None]
"""The error of each tag, or None for a tag that points to the manifest."""


def retag_all(
    world: World,
    manifest: Manifest,
    references: Sequence[ImageReference],
    emit: Emit,
    results: MutableMapping[ImageReference, SeatrialError | None],
) -> None:
    """Point tags at a manifest in the registry, in parallel; put each result into `results` as soon as it is known."""
    lock = threading.Lock()

    def on_event(event: Event) -> None:
        with lock:
            emit(event)

    def retag(reference: ImageReference) -> None:
        try:
            world.tag(reference, manifest, on_event)
            results[reference] = None
        except SeatrialError as error:
            results[reference] = error
        except Exception as error:  # noqa: BLE001  nobody catches what a thread raises
            message = f"{reference.familiar} cannot be moved"
            results[reference] = StepFailed(message, reason=f"{type(error).__name__}: {error}", hint="run it again")

    # Daemon threads, so that Ctrl-C does not wait for a registry that hangs.
    threads = [threading.Thread(target=retag, args=(one,), daemon=True) for one in references]
    for thread in threads:
        start_thread(thread)
    for thread in threads:
        thread.join()


def partial_failure(manifest: Manifest, results: Mapping[ImageReference, SeatrialError | None]) -> SeatrialError | None:
    """Return the error for tags that could not be moved, with one detail for each tag; None if all were moved."""
    failed = {one: error for one, error in results.items() if error}
    if not failed:
        return None
    first = next(iter(failed.values()))
    details = [f"{one.familiar}: published, {manifest.digest}" for one, error in results.items() if error is None]
    details += [f"{one.familiar}: not moved, {error.reason}" for one, error in failed.items()]
    kind = Conflict if all(isinstance(error, Conflict) for error in failed.values()) else StepFailed
    return kind(
        f"{pluralize(len(failed), 'tag')} could not be moved",
        reason=first.reason,
        hint="run it again: only what is missing is pushed" if first.transient else first.hint,
        details=tuple(details),
        cause=first.cause,
    )


def entry_for(  # noqa: PLR0913  an entry's fields
    world: World,
    destination: Destination,
    version: Version,
    *,
    action: str,
    image: str | None,
    labels: Mapping[str, str],
    digests: Mapping[ImageReference, str],
    before: Mapping[ImageReference, Manifest | None],
    verdict: Verdict | Mapping[str, object] | None,
    size: int | None = None,
) -> Entry:
    """Return the ledger's entry for a release or rollback; `before` is what the registry held under each reference."""
    return Entry(
        action=action,
        app=destination.target.name,
        repository=str(destination.repository),
        version=str(version),
        image=image,
        digests={str(one.tag): digest for one, digest in digests.items()},
        before={
            str(one.tag): found.digest
            for one, digest in digests.items()
            if (found := before.get(one)) and found.digest != digest
        },
        revision=labels.get(REVISION_LABEL),
        inputs=labels.get(INPUTS_LABEL),
        builder=labels.get(BUILDER_LABEL),
        size=size or None,
        seconds=round(world.process.seconds, 3),
        environment=destination.target.settings_environment,
        verdict=Entry.verdict_of(verdict) if isinstance(verdict, Verdict) else verdict,
        who=world.process.who,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )
