"""Run all inspections of the doctor in their order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from seatrial.doctor.engine import ENGINE_INSPECTIONS
from seatrial.doctor.findings import Finding, Inspection, Severity, Subject, failure
from seatrial.doctor.project import PROJECT_INSPECTIONS
from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError

__all__ = ["findings", "run_inspection"]


def findings(subject: Subject) -> tuple[Finding, ...]:
    """Return all findings, those of the engine first; the same failure is told once.

    Without an engine, the others are still inspected.
    """
    found: list[Finding] = []
    told: set[tuple[str, str]] = set()
    for inspection in (*ENGINE_INSPECTIONS, *PROJECT_INSPECTIONS):
        for one in run_inspection(inspection, subject):
            if one.severity is not Severity.FAILED or (one.reason, one.hint) not in told:
                found.append(one)
                told.add((one.reason, one.hint))
    return tuple(found)


def run_inspection(inspection: Inspection, subject: Subject) -> Iterator[Finding]:
    """Yield the findings of one inspection; an error that ends it becomes a finding, too.

    A missing engine and damaged credentials are left out: `engine` and `login` report them.
    """
    name = getattr(inspection, "__name__", "").lstrip("_").replace("_", " ")
    try:
        with suppress(EngineUnavailable, CredentialsError):
            yield from inspection(subject)
    except SeatrialError as error:
        yield failure(name, error)
