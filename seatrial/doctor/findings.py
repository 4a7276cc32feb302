"""The findings of the doctor, as lines for people and as a JSON document."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from seatrial.errors import SeatrialError, sanitize, with_program_name
from seatrial.pipeline.world import World
from seatrial.settings.settings import Environment, Settings

__all__ = ["Finding", "Inspection", "Severity", "Subject", "as_document", "as_lines", "exit_code", "failure"]

_WIDTH = 79
_WIDEST_NAME = 12
_INDENT = " " * (len("warning ") + _WIDEST_NAME + 1)
_NO_ENGINE = 3


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one inspection: what was inspected, how bad it is, the reason, and what to type next (if anything).

    `exit_code` is the exit code of the command if it failed.
    """

    check: str
    severity: Severity
    reason: str
    hint: str = ""
    exit_code: int = 1


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the doctor inspects; `app` is the name of one app, or None for all."""

    world: World
    settings: Settings
    app: str | None
    environment: Environment


def failure(check: str, error: SeatrialError) -> Finding:
    """Return the finding for an error."""
    return Finding(check=check, severity=Severity.FAILED, reason=str(error), hint=error.hint, exit_code=error.exit_code)


Inspection = Callable[[Subject], Iterable[Finding]]


def exit_code(found: Iterable[Finding]) -> int:
    """Return the exit code: 3 without an engine, else the highest of the failures, 0 if nothing failed."""
    codes = [one.exit_code for one in found if one.severity is Severity.FAILED]
    return _NO_ENGINE if _NO_ENGINE in codes else max(codes, default=0)


def as_lines(found: tuple[Finding, ...], command: str) -> str:
    """Return the findings for people, at most 79 columns wide; `command` is how Seatrial is called, as in hints."""
    lines = []
    for one in found:
        head = f"{one.severity:<8}{one.check:<{_WIDEST_NAME}} "
        lines += _wrapped(head, sanitize(one.reason))
        if one.hint:
            lines += _wrapped(f"{_INDENT}next: ", with_program_name(one.hint, command))
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    return "\n".join([*lines, "", "  ".join(f"{severity}={count}" for severity, count in counts.items())])


def as_document(found: tuple[Finding, ...], command: str) -> str:
    """Return the findings as one JSON document; `command` is how Seatrial is called, as in hints."""
    severities = [one.severity for one in found]
    document = {
        "command": "doctor",
        "status": next(
            (severity for severity in (Severity.FAILED, Severity.WARNING) if severity in severities), Severity.OK
        ),
        "exit_code": exit_code(found),
        "findings": [
            {
                "check": one.check,
                "status": one.severity,
                "reason": one.reason,
                "hint": with_program_name(one.hint, command) or None,
            }
            for one in found
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=head,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]
