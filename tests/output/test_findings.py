"""The doctor's findings, as people and as programs read them."""

from __future__ import annotations

import json

from seatrial.doctor.findings import Finding, Severity
from seatrial.output.findings import as_document, as_lines
from seatrial.output.hints import Call

FOUND = (
    Finding(check="engine", severity=Severity.FAILED, reason="it does not answer " * 6, hint="invoke up", exit_code=3),
    Finding(check="port", severity=Severity.OK, reason="port 5000 is \x1b[31mfree"),
)


def test_lines() -> None:
    """Lines are at most 79 columns wide, later ones indented; hints contain the program as it was called."""
    lines = as_lines(FOUND, Call(program="./inv")).splitlines()

    assert [line[:21] for line in lines[:2]] == ["failed  engine       ", " " * 21]
    assert f"{' ' * 21}next: ./inv up" in lines
    assert "ok      port         port 5000 is free" in lines
    assert lines[-2:] == ["", "ok=1  warning=0  failed=1"]
    assert max(map(len, lines)) <= 79


def test_document() -> None:
    """The document has status, exit code and every finding, each with the same keys."""
    document = json.loads(as_document(FOUND, Call(program="./inv")))

    assert (document["command"], document["status"], document["exit_code"]) == ("doctor", "failed", 3)
    assert [(one["check"], one["status"], one["hint"]) for one in document["findings"]] == [
        ("engine", "failed", "./inv up"),
        ("port", "ok", None),
    ]
    assert document["findings"][1].keys() == {"check", "status", "reason", "hint"}
