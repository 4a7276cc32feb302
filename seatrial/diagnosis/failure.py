"""Build the error for a failed container: one named cause, the next command, and the evidence."""

from __future__ import annotations

from seatrial.checks.http.probe import Result
from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Evidence
from seatrial.diagnosis.gathering import gather
from seatrial.diagnosis.timeline import describe
from seatrial.engine.model import Image
from seatrial.engine.protocol import Engine
from seatrial.errors import ContainerFailed, SmokeFailed
from seatrial.model.app import App
from seatrial.wording import pluralize

__all__ = ["container_error"]


def container_error(  # noqa: PLR0913  each argument is one thing
    engine: Engine,
    app: App,
    image: Image,
    container_id: str,
    *,
    results: tuple[Result, ...] = (),
    words: str = "",
) -> ContainerFailed | SmokeFailed:
    """Return the error for a container that failed its checks, or its start with the engine's message `words`.

    Call it while the container still exists.
    """
    evidence = gather(engine, app, image, container_id, results=results, words=words)
    cause = diagnose(evidence)
    failed = sum(result.problem is not None for result in results)
    if evidence.running and failed:
        message = f"{app.name} failed {failed} of {pluralize(len(app.checks), 'check')}"
        return SmokeFailed(message, reason=cause.reason, hint=cause.hint, cause=cause.name, details=describe(evidence))
    message = f"{app.name} {'was removed' if cause.name == 'container-removed' else _end(evidence)}"
    return ContainerFailed(message, reason=cause.reason, hint=cause.hint, cause=cause.name, details=describe(evidence))


def _end(evidence: Evidence) -> str:
    if evidence.words:
        return "cannot be started"
    inspection = evidence.inspection
    when = "during the checks" if any(result.problem is None for result in evidence.results) else "at start"
    return f"died {when}" if inspection is None else f"died {when} (exit code {inspection.exit_code})"
