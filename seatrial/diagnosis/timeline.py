"""Describe the evidence in lines: the timeline, the container's state, and the end of its log."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.diagnosis.evidence import Evidence

__all__ = ["describe"]

_LAST_LINES = 20


def describe(evidence: Evidence) -> tuple[str, ...]:
    """Return the timeline with equal attempts as one, the container's state, and the end of its log."""
    return (*_timeline(evidence), *_container(evidence), *evidence.log[-_LAST_LINES:])


def _timeline(evidence: Evidence) -> Iterator[str]:
    for result in evidence.results:
        yield from result.timeline
    inspection = evidence.inspection
    if inspection and inspection.lived is not None:
        yield f"its process ended {inspection.lived:.3f} s after its start, with exit code {inspection.exit_code}"


def _container(evidence: Evidence) -> Iterator[str]:
    inspection = evidence.inspection
    if inspection is None:
        return
    parts = [f"state {inspection.state}"]
    if not inspection.running:
        parts.append(f"exit code {inspection.exit_code}")
    if inspection.oom_killed:
        parts.append("killed at the memory limit")
    if inspection.running and inspection.sockets is not None:
        parts.append(f"listens on {', '.join(map(str, inspection.sockets)) or 'no port'}")
    if inspection.health:
        parts.append(f"health {inspection.health}")
    if inspection.read_only:
        parts.append(f"writable: {', '.join(inspection.writable) or 'nothing'}")
    if evidence.image_platform != evidence.engine_platform and evidence.image_platform:
        parts.append(f"image for {evidence.image_platform}, engine {evidence.engine_platform}")
    yield f"container: {'; '.join(parts)}"
    for run in inspection.health_log:
        yield f"health check: exit code {run.exit_code}: {run.output or '(no output)'}"
    if evidence.log:
        yield "log:"
