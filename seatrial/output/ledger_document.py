"""The document of a run of which only the ledger knows."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from seatrial.output.documents import CommandDocument, ImageDocument, ReferenceDocument, VerdictDocument
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.outcome import Status

__all__ = ["ledger_document"]


def ledger_document(entry: Entry) -> CommandDocument:
    """Return what an entry of the ledger says about its release or rollback, as a document without steps."""
    return CommandDocument(
        command=entry.action,
        status=Status.CHANGED,
        exit_code=0,
        check=False,
        engine=None,
        steps=(),
        image=ImageDocument(
            id=entry.image,
            name=None,
            size=entry.size,
            builder=entry.builder,
            references=tuple(
                ReferenceDocument(
                    reference=f"{entry.repository}:{tag}", digest=digest, before=entry.before.get(tag) or UNSET
                )
                for tag, digest in entry.digests.items()
            ),
            version=entry.version,
            revision=entry.revision or UNSET,
        ),
        environment=entry.environment or UNSET,
        app=entry.app,
        version=entry.version,
        repository=entry.repository,
        began=entry.when,
        seconds=UNSET if entry.seconds is None else entry.seconds,
        verdict=_verdict(entry.verdict or {}),
    )


def _verdict(known: Mapping[str, object]) -> VerdictDocument | UnsetType:
    when, summary, checked = known.get("when"), known.get("summary"), known.get("checked")
    if not isinstance(when, str) or not isinstance(summary, str) or not isinstance(checked, list):
        return UNSET
    return VerdictDocument(when=when, summary=summary, checked=tuple(map(str, checked)))
