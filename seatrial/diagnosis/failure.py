"""Build the error for a failed container: one named cause, the next command, and the evidence."""

from __future__ import annotations

from msgspec.structs import replace

from seatrial.checks.http.probe import Result
from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Evidence
from seatrial.diagnosis.gathering import gather
from seatrial.diagnosis.timeline import describe
from seatrial.diagnosis.workers import crash_loop, ends_again_and_again
from seatrial.engine.model import Image
from seatrial.engine.program import Program
from seatrial.engine.protocol import Engine
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed
from seatrial.model.app import App
from seatrial.wording import pluralize

__all__ = ["container_error", "evidence_error", "require_stable"]

_LOG_LINES = 200


def container_error(  # noqa: PLR0913  each argument is one thing
    engine: Engine,
    app: App,
    image: Image,
    container_id: str,
    *,
    results: tuple[Result, ...] = (),
    words: str = "",
    program: Program | None = None,
) -> ContainerFailed | SmokeFailed:
    """Return the error for a container that failed its checks, or its start with the engine's message `words`.

    `program` is its file, if it is known to be at fault. Call it while the container still exists.
    """
    evidence = gather(engine, app, image, container_id, results=results, words=words)
    if program and evidence.inspection:
        evidence = replace(evidence, inspection=replace(evidence.inspection, program=program))
    return evidence_error(evidence)


def evidence_error(evidence: Evidence) -> ContainerFailed | SmokeFailed:
    """Return the error for a container of which this is the evidence."""
    app, results = evidence.app, evidence.results
    passed = evidence.running and bool(results) and not evidence.failed
    cause = (crash_loop(evidence) if passed else None) or diagnose(evidence)
    failed = sum(result.problem is not None for result in results)
    kind: type[ContainerFailed | SmokeFailed]
    if evidence.running and failed:
        kind, what = SmokeFailed, f"failed {failed} of {pluralize(len(app.checks), 'check')}"
    elif passed:
        kind, what = SmokeFailed, "answers, but its server's workers end"
    else:
        kind, what = ContainerFailed, "was removed" if cause.name == "container-removed" else _end(evidence)
    message, details = f"{app.name} {what}", describe(evidence)
    return kind(message, reason=cause.reason, hint=cause.hint, cause=cause.name, details=details)


def require_stable(engine: Engine, app: App, image: Image, container_id: str, results: tuple[Result, ...]) -> None:
    """Raise `SmokeFailed` if the app passed its checks, and its server's workers end again and again nevertheless."""
    try:
        log = tuple(engine.logs(container_id, tail=_LOG_LINES))
    except SeatrialError:
        return  # a log that cannot be read shows nothing
    if ends_again_and_again(log):
        raise container_error(engine, app, image, container_id, results=results)


def _end(evidence: Evidence) -> str:
    if evidence.words:
        return "cannot be started"
    inspection = evidence.inspection
    when = "during the checks" if any(result.problem is None for result in evidence.results) else "at start"
    return f"died {when}" if inspection is None else f"died {when} (exit code {inspection.exit_code})"
