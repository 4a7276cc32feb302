"""The events that a step emits while it works: frozen data, independent of how they are shown."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

__all__ = [
    "AppLog",
    "BuildEvent",
    "BuildEventKind",
    "BuildLogSaved",
    "BytesSent",
    "CheckResult",
    "Event",
    "FactResult",
    "Info",
    "Progress",
    "Retry",
    "ScreenshotSaved",
    "TagPublished",
    "Transfer",
    "Waiting",
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


class Info(Struct, frozen=True, kw_only=True):
    """A note, shown as one line."""

    text: str


class Progress(Struct, frozen=True, kw_only=True):
    """How far a step is now that this has changed, for where `Waiting` is not shown."""

    text: str


class WarningEvent(Struct, frozen=True, kw_only=True):
    """Something that works but that the user should know about."""

    text: str


class Waiting(Struct, frozen=True, kw_only=True):
    """What is waited for, and how long it has been; it takes the place of the one before."""

    text: str


class BuildEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to `name`, a part of the build as BuildKit names it (`[2/5] RUN pip install`).

    `text` is the line of a log, status or warning, or the error of a failure, as the builder wrote it, not sanitized.
    `seconds` is how long it took, if known: for done, cached, failed and status. A status is the progress of a
    transfer: `current` bytes of `total` (0 if unknown).
    """

    kind: BuildEventKind
    name: str
    text: str = ""
    seconds: float | None = None
    current: int = 0
    total: int = 0


class Transfer(Struct, frozen=True, kw_only=True):
    """The progress of `layer`: `current` bytes of `total` (None if not known yet); `text` is the engine's message."""

    layer: str
    current: int
    total: int | None = None
    text: str = ""


class BytesSent(Struct, frozen=True, kw_only=True):
    """How many bytes a push sent over the network: compressed, as the registry counts them."""

    bytes: int


class ScreenshotSaved(Struct, frozen=True, kw_only=True):
    """A picture of the app's page was written to `path`."""

    path: str


class BuildLogSaved(Struct, frozen=True, kw_only=True):
    """The log of a build is being written to `path`."""

    path: str


class TagPublished(Struct, frozen=True, kw_only=True):
    """What a registry holds under a name: a digest, or None for nothing.

    `before` is the digest that it had before this run, and `version_before` the version of that one, if it is known.
    """

    reference: str
    digest: str | None
    before: str | None = None
    version_before: str | None = None


class Retry(Struct, frozen=True, kw_only=True):
    """A retry after `seconds`: attempt number `attempt` of at most `attempts`; `text` is why."""

    text: str
    attempt: int
    attempts: int
    seconds: float


class CheckResult(Struct, frozen=True, kw_only=True):
    """The result of a check: its name, the problem (None: it passed), and how many seconds it took.

    `timeline` has a line for each answer. `fails` is whether a problem fails the step.
    """

    check: str
    problem: str | None
    seconds: float = 0.0
    timeline: tuple[str, ...] = ()
    fails: bool = True

    @property
    def warns(self) -> bool:
        """Whether there is a problem that does not fail the step."""
        return self.problem is not None and not self.fails

    def __str__(self) -> str:
        return f"{self.check}: {self.problem or 'passed'} ({self.seconds:.2f} s)"


class FactResult(CheckResult, frozen=True, kw_only=True):
    """The result of an image check; it is shown without its time."""

    def __str__(self) -> str:
        return f"{self.check}: {self.problem or 'passed'}"


class AppLog(Struct, frozen=True, kw_only=True):
    """The lines that the app under test wrote, not sanitized."""

    lines: tuple[str, ...]


Event = (
    Info
    | Progress
    | WarningEvent
    | Waiting
    | BuildEvent
    | BuildLogSaved
    | Transfer
    | BytesSent
    | Retry
    | CheckResult
    | FactResult
    | AppLog
    | ScreenshotSaved
    | TagPublished
)
