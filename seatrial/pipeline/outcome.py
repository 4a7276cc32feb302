"""The outcome of a step."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from seatrial.engine.model import Image
from seatrial.errors import SeatrialError
from seatrial.events import CheckResult, TagPublished
from seatrial.pipeline.state import Verdict

__all__ = ["Difference", "Outcome", "Results", "Status"]


class Status(StrEnum):
    """The status of a step; `unknown` occurs in check mode if a registry it needs does not answer."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that a change changes: its name, and what it was and will be as text; None for nothing."""

    name: str
    before: str | None
    after: str | None


class Results(Struct, frozen=True, kw_only=True):
    """What a step made or found.

    `image` is the image it was about, `published` what a registry holds under the image's names, `address` the URL
    where the app is served. `screenshot` is the path of a picture that this run took of its page, `build_log` that of
    the log of a build in this run. `verdict` is that of an earlier run, if it made a smoke test needless.
    """

    image: Image | None = None
    published: tuple[TagPublished, ...] = ()
    address: str | None = None
    screenshot: str | None = None
    verdict: Verdict | None = None
    build_log: str | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """The outcome of one step.

    `message` says what is now so, or in check mode what would be done; `reason` says why, or is empty. `before` and
    `after` are identities, `attempts` counts tries, `moved` summarises what a push or pull transferred, and `sent` is
    the number of bytes sent over the network. `notes` are the texts of the step's infos and warnings, `warnings` those
    of its warnings alone, `log` the lines that the app under test wrote, `diff` what changed. `began` is the time in
    UTC, if the step began, and `had_work` whether it had something to do.
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
    warnings: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    log: tuple[str, ...] = ()
    diff: tuple[Difference, ...] = ()
    results: Results = Results()
    began: datetime | None = None
    had_work: bool = False
    error: SeatrialError | None = None

    def __str__(self) -> str:
        return f"{self.message}: {self.reason}" if self.reason else self.message
