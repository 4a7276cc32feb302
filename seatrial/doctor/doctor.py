"""The doctor: each look in its order, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from seatrial.doctor.engine import ENGINE_INSPECTIONS
from seatrial.doctor.findings import Finding, Inspection, Subject, failure
from seatrial.doctor.project import PROJECT_INSPECTIONS
from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError

__all__ = ["findings", "run_inspection"]


def findings(subject: Subject) -> tuple[Finding, ...]:
    """Return what was found, the engine first; without one, the rest is told all the same."""
    return tuple(
        one for inspection in (*ENGINE_INSPECTIONS, *PROJECT_INSPECTIONS) for one in run_inspection(inspection, subject)
    )


def run_inspection(inspection: Inspection, subject: Subject) -> Iterator[Finding]:
    """Yield what one look finds; what breaks it is a finding, and no engine or damaged credentials are told once."""
    name = getattr(inspection, "__name__", "").lstrip("_").replace("_", " ")
    try:
        with suppress(EngineUnavailable, CredentialsError):
            yield from inspection(subject)
    except SeatrialError as error:
        yield failure(name, error)
