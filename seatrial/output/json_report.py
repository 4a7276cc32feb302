"""The report as one JSON document."""

from __future__ import annotations

import json
from typing import Any

from seatrial.errors import SeatrialError, sanitize
from seatrial.output.hints import Call
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.report import Report

__all__ = ["as_json"]

_UNKNOWN_CALL = Call()


def as_json(report: Report, *, call: Call = _UNKNOWN_CALL) -> str:
    """Return the document that `--json` prints; hints are completed with `call`, how the task was called."""
    document: dict[str, Any] = {
        "command": report.command,
        "status": report.status.value,
        "exit_code": report.exit_code,
        "check": report.check,
        "engine": None,
        "steps": [_step(outcome, call) for outcome in report.outcomes],
        "image": {
            "id": report.image.id if report.image else None,
            "name": report.image.name if report.image else None,
            "size": report.image.size if report.image else None,
            "builder": report.builder,
            "references": [{"reference": one.reference, "digest": one.digest} for one in report.published],
        },
    }
    if report.engine:
        document["engine"] = {"endpoint": report.engine.endpoint, "version": report.engine.version}
    if report.address:
        document["address"] = report.address
    if report.screenshot:
        document["screenshot"] = report.screenshot
    if report.error:
        document["error"] = _error(report.error, call)
    return json.dumps(document, indent=2, ensure_ascii=False)


def _step(outcome: Outcome, call: Call) -> dict[str, Any]:
    step: dict[str, Any] = {
        "step": outcome.step,
        "app": outcome.app or None,
        "status": outcome.status.value,
        "message": outcome.message,
        "reason": outcome.reason or None,
        "seconds": round(outcome.seconds, 3),
        "attempts": outcome.attempts,
        "before": outcome.before,
        "after": outcome.after,
    }
    if outcome.moved:
        step["moved"], step["sent_bytes"] = outcome.moved, outcome.sent
    if outcome.notes:
        step["notes"] = [sanitize(note) for note in outcome.notes]
    if outcome.error:
        step["error"] = _error(outcome.error, call)
    return step


def _error(error: SeatrialError, call: Call) -> dict[str, Any]:
    document: dict[str, Any] = {"message": error.message, "reason": error.reason, "hint": call.complete(error.hint)}
    document["details"] = list(error.details)
    return {"cause": error.cause, **document} if error.cause else document
