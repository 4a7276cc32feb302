"""The findings of the doctor, as lines for people and as one JSON document."""

from __future__ import annotations

from seatrial.doctor.findings import Finding, Severity, exit_code
from seatrial.errors import sanitize
from seatrial.output.doctor_documents import DoctorDocument, FindingDocument
from seatrial.output.documents import as_text
from seatrial.output.hints import Call
from seatrial.output.wrapping import hang

__all__ = ["as_document", "as_lines"]

_WIDTH = 79
_WIDEST_NAME = 12
_INDENT = " " * (len("warning ") + _WIDEST_NAME + 1)


def as_lines(found: tuple[Finding, ...], call: Call) -> str:
    """Return the findings for people, at most 79 columns wide; hints are completed with `call`."""
    lines = []
    for one in found:
        head = f"{one.severity:<8}{one.check:<{_WIDEST_NAME}} "
        lines.append(hang(sanitize(one.reason), head=head, indent=_INDENT, width=_WIDTH))
        if one.hint:
            lines.append(hang(call.complete(one.hint), head=f"{_INDENT}next: ", indent=_INDENT, width=_WIDTH))
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    return "\n".join([*lines, "", "  ".join(f"{severity}={count}" for severity, count in counts.items())])


def as_document(found: tuple[Finding, ...], call: Call) -> str:
    """Return the findings as one JSON document; hints are completed with `call`."""
    severities = {one.severity for one in found}
    worst = next((one for one in (Severity.FAILED, Severity.WARNING) if one in severities), Severity.OK)
    document = DoctorDocument(
        command="doctor",
        status=worst,
        exit_code=exit_code(found),
        findings=tuple(
            FindingDocument(
                check=one.check,
                status=one.severity,
                reason=sanitize(one.reason),
                hint=call.complete(one.hint) or None,
            )
            for one in found
        ),
    )
    return as_text(document)
