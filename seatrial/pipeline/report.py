"""The report of a command: its outcomes. Console, JSON and JUnit output are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.engine.model import EngineInfo, Image
from seatrial.errors import SeatrialError
from seatrial.model.app import BUILDER_LABEL
from seatrial.pipeline.outcome import Outcome, Status

__all__ = ["Published", "Report", "worst"]


@dataclass(frozen=True, kw_only=True)
class Published:
    """A reference in a registry and its digest there, or None if the registry has none."""

    reference: str
    digest: str | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report of a command.

    `image` is the command's image or None, `address` the URL where `run` serves it, `screenshot` the path of the
    browser's screenshot of its page, and `seconds` how long the command took.
    """

    command: str
    check: bool
    outcomes: tuple[Outcome, ...] = ()
    seconds: float = 0.0
    engine: EngineInfo | None = None
    image: Image | None = None
    published: tuple[Published, ...] = ()
    address: str | None = None
    screenshot: str | None = None
    error: SeatrialError | None = None

    @property
    def builder(self) -> str | None:
        """The builder of the image: BuildKit, the classic builder or buildx; None if unknown."""
        return self.image.labels.get(BUILDER_LABEL) if self.image else None

    @property
    def counts(self) -> Counter[Status]:
        """How many steps have which status; an error of the command itself counts as a failed step."""
        counts = Counter(outcome.status for outcome in self.outcomes)
        if self.error and not counts[Status.FAILED]:
            counts[Status.FAILED] = 1
        return counts

    @property
    def status(self) -> Status:
        """The worst status among the steps: `failed`, then `unknown`, `changed`, `ok`."""
        return Status.FAILED if self.error else worst(self.outcomes)

    @property
    def failure(self) -> SeatrialError | None:
        """The error the command ends with, or None."""
        failed = sorted((one for one in self.outcomes if one.error), key=lambda one: one.status is not Status.FAILED)
        return self.error or next((one.error for one in failed), None)

    @property
    def exit_code(self) -> int:
        """The exit code the command ends with."""
        return self.failure.exit_code if self.failure else 0


def worst(outcomes: Iterable[Outcome]) -> Status:
    """Return the worst status among outcomes."""
    found = {outcome.status for outcome in outcomes}
    return next((status for status in (Status.FAILED, Status.UNKNOWN, Status.CHANGED) if status in found), Status.OK)
