"""How a step came out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seatrial.errors import SeatrialError

__all__ = ["Outcome", "Status"]


class Status(StrEnum):
    """How a step came out; `unknown` is for check mode, when the registry that must be asked does not answer."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one step came out.

    `message` says what is now so, or in check mode what would be done; `reason` says why, where that is worth a word.
    `before` and `after` are identities, `attempts` counts tries, `moved` sums up what a push or pull transferred and
    `sent` counts the bytes that went over the wire. `notes` are the infos and warnings of the step.
    """

    step: str
    app: str
    status: Status
    message: str
    reason: str = ""
    before: str | None = None
    after: str | None = None
    seconds: float = 0.0
    attempts: int = 1
    moved: str = ""
    sent: int = 0
    notes: tuple[str, ...] = ()
    error: SeatrialError | None = None

    def __str__(self) -> str:
        return f"{self.message}: {self.reason}" if self.reason else self.message
