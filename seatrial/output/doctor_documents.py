"""The JSON document of the doctor."""

from __future__ import annotations

from seatrial.doctor.findings import Severity
from seatrial.output.document_part import Part

__all__ = ["DoctorDocument", "FindingDocument"]


class FindingDocument(Part, frozen=True, kw_only=True):
    """What an inspection of the doctor found."""

    check: str
    status: Severity
    reason: str
    hint: str | None


class DoctorDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.doctor/1"):
    """All findings of the doctor."""

    command: str
    status: Severity
    exit_code: int
    findings: tuple[FindingDocument, ...]
