"""What the doctor inspects and finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from msgspec import Struct

from seatrial.errors import SeatrialError
from seatrial.host.shortage import shortage_behind
from seatrial.model.app import App
from seatrial.pipeline.world import World
from seatrial.settings.settings import Settings
from seatrial.settings.variables import Environment

__all__ = ["Finding", "Inspection", "Severity", "Subject", "as_error", "exit_code", "failure", "fine", "warning"]

_NO_ENGINE = 3


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(Struct, frozen=True, kw_only=True):
    """The result of one inspection: what was inspected, how bad it is, the reason, and what to type next (if anything).

    `exit_code` is the exit code of the command if it failed.
    """

    check: str
    severity: Severity
    reason: str
    hint: str = ""
    exit_code: int = 1


class Subject(Struct, frozen=True, kw_only=True):
    """What the doctor inspects; `apps` are the chosen ones."""

    world: World
    settings: Settings
    apps: tuple[App, ...]
    environment: Environment


def fine(check: str, reason: str) -> Finding:
    """Return a finding that nothing is wrong."""
    return Finding(check=check, severity=Severity.OK, reason=reason)


def warning(check: str, reason: str, hint: str) -> Finding:
    """Return a finding that works, but that the user should know about."""
    return Finding(check=check, severity=Severity.WARNING, reason=reason, hint=hint)


def failure(check: str, error: SeatrialError) -> Finding:
    """Return the finding for an error, or for what the machine has run out of behind it."""
    error = shortage_behind(error)
    return Finding(check=check, severity=Severity.FAILED, reason=str(error), hint=error.hint, exit_code=error.exit_code)


Inspection = Callable[[Subject], Iterable[Finding]]


def exit_code(found: Iterable[Finding]) -> int:
    """Return the exit code: 3 without an engine, else the highest of the failures, 0 if nothing failed."""
    codes = [one.exit_code for one in found if one.severity is Severity.FAILED]
    return _NO_ENGINE if _NO_ENGINE in codes else max(codes, default=0)


def as_error(found: Iterable[Finding]) -> SeatrialError | None:
    """Return the error that a command with these findings ends with, or None."""
    failed = [one for one in found if one.severity is Severity.FAILED]
    if not failed:
        return None
    error = SeatrialError(f"doctor: {failed[0].check} failed", reason=failed[0].reason, hint=failed[0].hint)
    return error.but(exit_code=exit_code(failed))
