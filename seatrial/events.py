"""What a step tells an observer while it works: frozen facts, free of how they will be shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "AppLog",
    "BuildEvent",
    "BuildEventKind",
    "BytesSent",
    "CheckResult",
    "Event",
    "FactResult",
    "Info",
    "Retry",
    "Transfer",
    "WarningEvent",
]


class BuildEventKind(StrEnum):
    """What happened to a part of a build."""

    STARTED = "started"
    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    LOG = "log"
    STATUS = "status"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Info:
    """Something worth a line."""

    text: str


@dataclass(frozen=True, kw_only=True)
class WarningEvent:
    """Something that works and still deserves the user's eye."""

    text: str


@dataclass(frozen=True, kw_only=True)
class BuildEvent:
    """Something that happened to `name`, the part of a build as BuildKit calls it (`[2/5] RUN pip install`).

    `text` is the line of a log, status or warning, or the error of a failure: the builder's own words, not
    cleaned.
    `seconds` is how long it took, when known: for done, cached, failed and status. A status says how far a transfer
    is: `current` bytes of `total` (0 when nobody knows).
    """

    kind: BuildEventKind
    name: str
    text: str = ""
    seconds: float | None = None
    current: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How far `layer` has moved: bytes so far, and of how many (None when nobody knows yet)."""

    layer: str
    current: int
    total: int | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class BytesSent:
    """How many bytes a push really sent over the wire: compressed, as the registry counts them."""

    bytes: int


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Something is tried again after `seconds`: attempt `attempt` of at most `attempts`; `text` is why."""

    text: str
    attempt: int
    attempts: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """Something was checked: what, what is wrong with it (None: nothing), in how many seconds.

    `timeline` is what came of asking, line by line. `fails` is whether the step fails with what is wrong.
    """

    check: str
    problem: str | None
    seconds: float = 0.0
    timeline: tuple[str, ...] = ()
    fails: bool = True

    @property
    def warns(self) -> bool:
        """Whether something is wrong with which the step goes on."""
        return self.problem is not None and not self.fails

    def __str__(self) -> str:
        return f"{self.check}: {self.problem or 'passed'} ({self.seconds:.2f} s)"


class FactResult(CheckResult):
    """A fact of an image was looked at: no news as long as it holds."""

    def __str__(self) -> str:
        return f"{self.check}: {self.problem or 'holds'}"


@dataclass(frozen=True, kw_only=True)
class AppLog:
    """What the app under test wrote, line by line: its own words, not cleaned."""

    lines: tuple[str, ...]


Event = Info | WarningEvent | BuildEvent | Transfer | BytesSent | Retry | CheckResult | FactResult | AppLog
