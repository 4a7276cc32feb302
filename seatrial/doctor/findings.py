"""The surroundings, looked at before work: one finding each, with why and what to type next."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from seatrial.errors import SeatrialError, as_typed, cleaned
from seatrial.pipeline.world import World
from seatrial.settings.settings import Environment, Settings

__all__ = ["Finding", "Grade", "Look", "Patient", "as_document", "as_lines", "exit_code", "failure"]

_WIDTH = 79
_WIDEST_NAME = 12
_INDENT = " " * (len("warning ") + _WIDEST_NAME + 1)
_NO_ENGINE = 3


class Grade(StrEnum):
    """How a thing was found."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: what, how it was found, why that is said, and what to type next (if anything).

    `exit_code` is the one it ends the process with when it failed.
    """

    what: str
    grade: Grade
    why: str
    mend: str = ""
    exit_code: int = 1


@dataclass(frozen=True, kw_only=True)
class Patient:
    """What is looked at: a world, a project's settings, the name of one of its apps (None: all), the environment."""

    world: World
    settings: Settings
    app: str | None
    environment: Environment


def failure(what: str, error: SeatrialError) -> Finding:
    """Give the finding that an error is."""
    return Finding(what=what, grade=Grade.FAILED, why=str(error), mend=error.mend, exit_code=error.exit_code)


Look = Callable[[Patient], Iterable[Finding]]


def exit_code(found: Iterable[Finding]) -> int:
    """Give the exit code: 3 without an engine, else the highest of what failed, 0 when all is well or only doubtful."""
    codes = [one.exit_code for one in found if one.grade is Grade.FAILED]
    return _NO_ENGINE if _NO_ENGINE in codes else max(codes, default=0)


def as_lines(found: tuple[Finding, ...], command: str) -> str:
    """Give the findings for people, at most 79 columns wide; `command` is what people type to get here."""
    lines = []
    for one in found:
        head = f"{one.grade:<8}{one.what:<{_WIDEST_NAME}} "
        lines += _wrapped(head, cleaned(one.why))
        if one.mend:
            lines += _wrapped(f"{_INDENT}next: ", as_typed(one.mend, command))
    counts = {grade: sum(one.grade is grade for one in found) for grade in Grade}
    return "\n".join([*lines, "", "  ".join(f"{grade}={count}" for grade, count in counts.items())])


def as_document(found: tuple[Finding, ...], command: str) -> str:
    """Give the findings as one JSON document."""
    grades = [one.grade for one in found]
    document = {
        "command": "doctor",
        "status": next((grade for grade in (Grade.FAILED, Grade.WARNING) if grade in grades), Grade.OK),
        "exit_code": exit_code(found),
        "findings": [
            {"check": one.what, "status": one.grade, "why": one.why, "next": as_typed(one.mend, command) or None}
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
