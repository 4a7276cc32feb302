"""The report as one JSON document."""

from __future__ import annotations

from msgspec import UNSET

from seatrial.errors import LONGEST_MESSAGE, SeatrialError, sanitize
from seatrial.output.documents import (
    CommandDocument,
    EngineDocument,
    ErrorDocument,
    ImageDocument,
    ReferenceDocument,
    StepDocument,
    as_text,
)
from seatrial.output.hints import Call
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.report import Report

__all__ = ["as_json", "error_document"]

_UNKNOWN_CALL = Call()


def as_json(report: Report, *, call: Call = _UNKNOWN_CALL) -> str:
    """Return the document that `--json` prints; hints are completed with `call`, how the task was called."""
    image, engine = report.image, report.engine
    document = CommandDocument(
        command=report.command,
        status=report.status,
        exit_code=report.exit_code,
        check=report.check,
        engine=EngineDocument(endpoint=engine.endpoint, version=engine.version) if engine else None,
        steps=tuple(_step(outcome, call) for outcome in report.outcomes),
        image=ImageDocument(
            id=image.id if image else None,
            name=image.name if image else None,
            size=image.size if image else None,
            builder=report.builder,
            references=tuple(ReferenceDocument(reference=one.reference, digest=one.digest) for one in report.published),
        ),
        address=report.address or UNSET,
        screenshot=report.screenshot or UNSET,
        error=error_document(report.error, call) if report.error else UNSET,
    )
    return as_text(document)


def _step(outcome: Outcome, call: Call) -> StepDocument:
    return StepDocument(
        step=outcome.step,
        app=outcome.app or None,
        status=outcome.status,
        message=sanitize(outcome.message, limit=LONGEST_MESSAGE),
        reason=sanitize(outcome.reason, limit=LONGEST_MESSAGE) or None,
        seconds=round(outcome.seconds, 3),
        attempts=outcome.attempts,
        before=outcome.before,
        after=outcome.after,
        moved=outcome.moved or UNSET,
        sent_bytes=outcome.sent if outcome.moved else UNSET,
        notes=tuple(sanitize(note) for note in outcome.notes) or UNSET,
        error=error_document(outcome.error, call) if outcome.error else UNSET,
    )


def error_document(error: SeatrialError, call: Call) -> ErrorDocument:
    """Return an error as a part of a document; its hint is completed with `call`."""
    return ErrorDocument(
        cause=error.cause or UNSET,
        message=error.message,
        reason=error.reason,
        hint=sanitize(call.complete(error.hint), limit=LONGEST_MESSAGE),
        details=error.details,
    )
