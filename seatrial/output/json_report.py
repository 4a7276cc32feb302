"""The report as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import UNSET, UnsetType, structs

from seatrial.checks.image.secrets import without_secrets
from seatrial.engine.model import Image
from seatrial.errors import LONGEST_MESSAGE, SeatrialError, sanitize, sanitize_line
from seatrial.events import CheckResult, FactResult
from seatrial.layers.comparison import Comparison
from seatrial.layers.image_steps import with_steps
from seatrial.model.app import REVISION_LABEL, VERSION_LABEL
from seatrial.output.documents import (
    ChangesDocument,
    CheckDocument,
    CommandDocument,
    CommitDocument,
    DifferenceDocument,
    EngineDocument,
    ErrorDocument,
    ImageDocument,
    LayerDocument,
    ReferenceDocument,
    StepDocument,
    VerdictDocument,
    as_text,
)
from seatrial.output.hints import UNKNOWN_CALL, Call
from seatrial.pipeline.changes import Changes
from seatrial.pipeline.outcome import Difference, Outcome
from seatrial.pipeline.report import Report
from seatrial.pipeline.state import Verdict

__all__ = ["as_json", "command_document", "error_document"]


def as_json(report: Report, *, call: Call = UNKNOWN_CALL, others: Mapping[str, object] | None = None) -> str:
    """Return the document that `--json` prints; hints are completed with `call`, how the task was called.

    `others` are the documents of tasks that only read, in a chain.
    """
    return as_text(structs.replace(command_document(report, call), documents=others or UNSET))


def command_document(report: Report, call: Call = UNKNOWN_CALL) -> CommandDocument:
    """Return the report as a document; hints are completed with `call`."""
    engine = report.engine
    call_of = {one.app: call.about(one.app) for one in report.apps}
    return CommandDocument(
        command=report.command,
        status=report.status,
        exit_code=report.exit_code,
        check=report.check,
        engine=EngineDocument(endpoint=engine.endpoint, version=engine.version) if engine else None,
        steps=tuple(_step(outcome, call_of.get(outcome.app, call)) for outcome in report.outcomes),
        image=_image(report),
        environment=report.environment or UNSET,
        app=report.app or UNSET,
        version=report.version or UNSET,
        repository=report.publishing.repository if report.publishing else UNSET,
        began=_time(report.began),
        seconds=round(report.seconds, 3),
        changes=_changes(report.changes) if report.changes else UNSET,
        verdict=_verdict(report.verdict) if report.verdict else UNSET,
        page=report.page or UNSET,
        address=report.address or UNSET,
        screenshot=report.screenshot or UNSET,
        build_log=report.build_log or UNSET,
        error=error_document(report.error, call) if report.error else UNSET,
        apps=tuple(command_document(one, call_of[one.app]) for one in report.apps) or UNSET,
    )


def _image(report: Report) -> ImageDocument:
    image = report.image
    labels = image.labels if image else {}
    return ImageDocument(
        id=image.id if image else None,
        name=image.name if image else None,
        size=image.size if image else None,
        builder=report.builder,
        references=tuple(
            ReferenceDocument(
                reference=one.reference,
                digest=one.digest,
                before=one.before or UNSET,
                version_before=one.version_before or UNSET,
            )
            for one in report.published
        ),
        version=labels.get(VERSION_LABEL) or UNSET,
        platform=(image.platform if image else "") or UNSET,
        revision=labels.get(REVISION_LABEL) or UNSET,
        layers=(image and _layers(image, report)) or UNSET,
    )


def _layers(image: Image, report: Report) -> tuple[LayerDocument, ...]:
    if report.history is None:
        return ()
    shown, before = with_steps(image, report.history), report.changes.history if report.changes else None
    comparison = Comparison(image=shown, against=with_steps(image, before)) if before else None
    return tuple(
        LayerDocument(
            step=sanitize(without_secrets(one.text), limit=LONGEST_MESSAGE),
            size=one.size,
            digest=one.layer,
            state=comparison.state(one) if comparison else UNSET,
        )
        for one in shown.steps
    )


def _changes(changes: Changes) -> ChangesDocument:
    before = changes.before
    return ChangesDocument(
        version=before.version,
        image=before.image,
        size=before.size,
        changed=changes.changed,
        added=changes.added,
        removed=changes.removed,
        commits=tuple(
            CommitDocument(
                commit=one.commit,
                when=datetime.fromtimestamp(one.time, UTC).isoformat(),
                author=sanitize(one.author),
                subject=sanitize(one.subject),
            )
            for one in changes.commits
        ),
    )


def _verdict(verdict: Verdict) -> VerdictDocument:
    return VerdictDocument(
        when=verdict.when,
        summary=sanitize(verdict.summary),
        checked=tuple(map(sanitize, verdict.checked)),
        screenshot=verdict.screenshot or UNSET,
    )


def _time(when: datetime | None) -> str | UnsetType:
    return when.isoformat(timespec="milliseconds") if when else UNSET


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
        began=_time(outcome.began),
        checks=tuple(map(_check, outcome.checks)) or UNSET,
        notes=tuple(sanitize(note) for note in outcome.notes) or UNSET,
        diff=tuple(_difference(one) for one in outcome.diff) or UNSET,
        error=error_document(outcome.error, call) if outcome.error else UNSET,
    )


def _check(result: CheckResult) -> CheckDocument:
    return CheckDocument(
        check=sanitize(result.check),
        about="image" if isinstance(result, FactResult) else "app",
        problem=None if result.problem is None else sanitize(result.problem),
        warns=result.warns,
        seconds=round(result.seconds, 3),
        answers=tuple(map(sanitize_line, result.timeline)),
    )


def _difference(one: Difference) -> DifferenceDocument:
    before, after = (None if text is None else sanitize(text) for text in (one.before, one.after))
    return DifferenceDocument(name=sanitize(one.name), before=before, after=after)


def error_document(error: SeatrialError, call: Call) -> ErrorDocument:
    """Return an error as a part of a document; its hint is completed with `call`."""
    return ErrorDocument(
        cause=error.cause or UNSET,
        file=str(error.place.path) if error.place else UNSET,
        line=error.place.line if error.place else UNSET,
        message=error.message,
        reason=error.reason,
        hint=sanitize(call.complete(error.hint), limit=LONGEST_MESSAGE),
        details=error.details,
    )
