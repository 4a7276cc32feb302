"""The report of a command: its outcomes. Console, JSON and JUnit output are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from seatrial.engine.model import EngineInfo, Image, ImageHistory
from seatrial.errors import Interrupted, SeatrialError
from seatrial.events import TagPublished
from seatrial.model.app import BUILDER_LABEL, VERSION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.pipeline.changes import Changes
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.state import Verdict
from seatrial.pipeline.step import Publishing

__all__ = ["Report", "joined", "of_apps", "worst"]


class Report(Struct, frozen=True, kw_only=True):
    """The report of a command: its outcomes, the engine that was used, and how many seconds it took.

    `error` is an error outside the steps, such as a lock that is taken. `began` is the time in UTC. `publishing` is
    the repository and version of a command that publishes, `history` that of the image, `changes` what has changed
    since the release before.
    `environment` is the one whose settings were used, such as staging; empty for none. Of a command about several apps
    `apps` are the reports of each, and `outcomes` those of all.
    """

    command: str
    check: bool
    outcomes: tuple[Outcome, ...] = ()
    seconds: float = 0.0
    began: datetime | None = None
    engine: EngineInfo | None = None
    publishing: Publishing | None = None
    history: ImageHistory | None = None
    changes: Changes | None = None
    environment: str = ""
    error: SeatrialError | None = None
    apps: tuple[Report, ...] = ()

    @property
    def _own(self) -> tuple[Outcome, ...]:
        """The outcomes of the one app; none if there are several."""
        return () if self.apps else self.outcomes

    @property
    def image(self) -> Image | None:
        """The image that the command was about; None if there is none or several, or its build failed."""
        return next((one.results.image for one in reversed(self._own) if one.results.image), None)

    @property
    def app(self) -> str:
        """The app that the command was about; empty if there is none, or several."""
        return next((one.app for one in self._own if one.app), "")

    @property
    def version(self) -> str | None:
        """The version that the command was about, if it is known."""
        named = self.image.labels.get(VERSION_LABEL) if self.image else None
        return named or (self.publishing.version if self.publishing else None)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of an earlier run that this one relied on."""
        return next((one.results.verdict for one in self._own if one.results.verdict), None)

    @property
    def published(self) -> tuple[TagPublished, ...]:
        """The image's names in the registry, as far as they are known."""
        return tuple(name for one in self._own for name in one.results.published)

    @property
    def page(self) -> str | None:
        """The address of the repository's page for people, where something is published and its registry has one."""
        names = (ImageReference.parse(one.reference).page for one in self.published if one.digest)
        return next(names, None)

    @property
    def address(self) -> str | None:
        """The URL where `run` serves the app; None if anything failed."""
        addresses = [one.results.address for one in self._own if one.results.address]
        return addresses[-1] if addresses and not self.failure else None

    @property
    def screenshot(self) -> str | None:
        """The path of the screenshot that this run took of the app's page."""
        return next((one.results.screenshot for one in self._own if one.results.screenshot), None)

    @property
    def build_log(self) -> str | None:
        """The path of the log of the build in this run."""
        return next((one.results.build_log for one in self._own if one.results.build_log), None)

    @property
    def builder(self) -> str | None:
        """The builder of the image: BuildKit or docker buildx; None if unknown."""
        return self.image.labels.get(BUILDER_LABEL) if self.image else None

    @property
    def counts(self) -> Counter[Status]:
        """How many steps have which status; an error of the command itself counts as a failed step."""
        counts = Counter(outcome.status for outcome in self.outcomes)
        counts[Status.FAILED] += sum(bool(one.error) and not _failed(one.outcomes) for one in self.apps)
        if self.error and not counts[Status.FAILED]:
            counts[Status.FAILED] = 1
        return counts

    @property
    def status(self) -> Status:
        """The worst status among the steps: `failed`, then `unknown`, `changed`, `ok`."""
        return Status.FAILED if self.error or any(one.error for one in self.apps) else worst(self.outcomes)

    @property
    def failure(self) -> SeatrialError | None:
        """The error the command ends with, or None; of several apps that of a signal, else that of the first app."""
        if self.apps and not self.error:
            failures = [one.failure for one in self.apps if one.failure]
            failures.sort(key=lambda one: not isinstance(one, Interrupted))
            return next(iter(failures), None)
        failed = sorted((one for one in self.outcomes if one.error), key=lambda one: one.status is not Status.FAILED)
        return self.error or next((one.error for one in failed), None)

    @property
    def exit_code(self) -> int:
        """The exit code the command ends with."""
        return self.failure.exit_code if self.failure else 0


def joined(
    reports: Sequence[Report], *, command: str, not_started: Sequence[str], error: SeatrialError | None
) -> Report:
    """Return one report of commands that ran one after the other; of those that did not start, skipped outcomes.

    `error` is the one that the last command ended with, or why the rest did not start.
    """
    outcomes = [outcome for one in reports for outcome in one.outcomes]
    in_a_step = any(one.error for one in outcomes)
    message = f"{reports[-1].command} failed" if reports[-1].failure else ""
    skipped = [Outcome(step=name, app="", status=Status.SKIPPED, message=message) for name in not_started]
    return Report(
        command=command,
        check=all(one.check for one in reports),
        outcomes=(*outcomes, *skipped),
        seconds=sum(one.seconds for one in reports),
        began=reports[0].began,
        environment=reports[-1].environment,
        engine=next((one.engine for one in reversed(reports) if one.engine), None),
        publishing=next((one.publishing for one in reversed(reports) if one.publishing), None),
        history=next((one.history for one in reversed(reports) if one.history), None),
        changes=next((one.changes for one in reversed(reports) if one.changes), None),
        error=None if in_a_step else error,
        apps=_joined_apps(reports, command) if any(one.apps for one in reports) else (),
    )


def _joined_apps(reports: Sequence[Report], command: str) -> tuple[Report, ...]:
    """Return one report for each app of commands that ran one after the other."""
    of_apps: dict[str, list[Report]] = {}
    for one in (app for report in reports for app in report.apps or (report,) if app.app):
        of_apps.setdefault(one.app, []).append(one)
    return tuple(
        joined(found, command=command, not_started=(), error=next((one.error for one in found if one.error), None))
        for found in of_apps.values()
    )


def of_apps(reports: Sequence[Report], *, command: str, check: bool, seconds: float) -> Report:
    """Return the report of a command about several apps, from those of each."""
    return Report(
        command=command,
        check=check,
        outcomes=tuple(outcome for one in reports for outcome in one.outcomes),
        seconds=seconds,
        began=min((one.began for one in reports if one.began), default=None),
        engine=next((one.engine for one in reports if one.engine), None),
        apps=tuple(reports),
    )


def _failed(outcomes: Iterable[Outcome]) -> bool:
    return any(one.status is Status.FAILED for one in outcomes)


def worst(outcomes: Iterable[Outcome]) -> Status:
    """Return the worst status among outcomes."""
    found = {outcome.status for outcome in outcomes}
    return next((status for status in (Status.FAILED, Status.UNKNOWN, Status.CHANGED) if status in found), Status.OK)
