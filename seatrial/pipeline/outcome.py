"""The outcome of a step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seatrial.errors import SeatrialError

__all__ = ["Outcome", "Status"]


class Status(StrEnum):
    """The status of a step; `unknown` occurs in check mode if a registry it needs does not answer."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one step.

    `message` says what is now so, or in check mode what would be done; `reason` says why, or is empty. `before` and
    `after` are identities, `attempts` counts tries, `moved` summarises what a push or pull transferred, and `sent` is
    the number of bytes sent over the network. `notes` are the texts of the step's infos and warnings.
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
