"""What a failure leaves behind, and what is made of it: a cause with a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from seatrial.checks.http.probe import Result
from seatrial.engine.inspection import ContainerInspection
from seatrial.model.app import App, Check

__all__ = ["Cause", "Evidence", "Page", "Sources"]

_PLAIN = "; then: invoke build smoke"
_TRACEBACK = "Traceback (most recent call last)"
# What stands one or two lines above a traceback that goes on with the one before, or that ended nothing.
_GOES_ON = re.compile("above exception, another|above exception was the direct cause|Exception ignored in")


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why it failed: its name for programs, why in a sentence for people, and what to do or type next."""

    name: str
    reason: str
    hint: str

    @classmethod
    def to_build(cls, name: str, reason: str, hint: str) -> Cause:
        """Return a cause whose mend needs a new image."""
        return cls(name=name, reason=reason, hint=f"{hint}{_PLAIN}")

    @classmethod
    def to_set(cls, name: str, reason: str, setting: str, app: App) -> Cause:
        """Return a cause that a setting mends; the same image will do."""
        return cls(name=name, reason=reason, hint=f"{setting} under apps.{app.name} in invoke.yaml, then: invoke smoke")


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the app answered, looked at once more: status, title, the Server header, the beginning of the text."""

    status: int
    server: str = ""
    title: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What stands in the app's folder: the names of its own modules, its requirements file and what that names.

    `requirements` is relative to the folder, empty when there is none; names are lowercase, with `-`.
    """

    modules: frozenset[str] = frozenset()
    requirements: str = ""
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known about a container that failed.

    `inspection` is None when somebody removed it, `log` are its last lines, `results` those of the checks that were
    put, `page` what a wrong answer was, `words` the engine's own on a start that failed. Platforms are as in
    `linux/arm64`, empty when not told.
    """

    app: App
    inspection: ContainerInspection | None = None
    log: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    page: Page | None = None
    words: str = ""
    image_platform: str = ""
    engine_platform: str = ""
    sources: Sources = field(default_factory=Sources)

    @property
    def running(self) -> bool:
        """Whether the container is alive."""
        return self.inspection is not None and self.inspection.running

    @property
    def dead(self) -> bool:
        """Whether the container has ended, or never began."""
        return self.inspection is not None and not self.inspection.running

    @property
    def command(self) -> tuple[str, ...]:
        """What it runs: the image's own command, without the engine's init."""
        return self.inspection.command if self.inspection else ()

    @property
    def typed(self) -> str:
        """The beginning of that as people would type it."""
        return " ".join(self.command)[:100]

    @property
    def failed(self) -> Result | None:
        """The first check that failed."""
        return next((result for result in self.results if result.problem), None)

    @property
    def check(self) -> Check | None:
        """The check behind it."""
        return self.failed.check if self.failed else None

    @property
    def problem(self) -> str:
        """What was wrong with it, in words; empty when nothing was."""
        failed = self.failed
        return f"{failed.check}: {failed.problem}" if failed else ""

    @property
    def answered(self) -> bool:
        """Whether the app gave an answer that waiting would not change: what its log says need not be the cause."""
        return self.running and self.failed is not None and self.failed.final and not self.silent

    @property
    def silent(self) -> bool:
        """Whether what failed got no answer of HTTP."""
        return self.failed is not None and (self.failed.problem or "").startswith("no answer")

    @property
    def failing(self) -> bool:
        """Whether the app answered with an error of its own."""
        return bool(re.search(r"status 5\d\d", self.problem))

    @property
    def traced(self) -> bool:
        """Whether the log tells of an exception."""
        return any(_TRACEBACK in line for line in self.log)

    @property
    def ending(self) -> tuple[str, ...]:
        """The log from the exception on that ended the app, with those it came of; all of it when none did."""
        begin = 0
        for at, line in enumerate(self.log if self.dead else ()):
            if _TRACEBACK in line and not any(map(_GOES_ON.search, self.log[max(at - 2, 0) : at])):
                begin = at
        return self.log[begin:]

    @property
    def raised(self) -> tuple[str, ...]:
        """The unindented lines behind the last traceback, the exception first."""
        at = max((at for at, line in enumerate(self.log) if _TRACEBACK in line), default=len(self.log))
        return tuple(line for line in self.log[at + 1 :] if line and not line[0].isspace())

    def last(self, *patterns: str) -> re.Match[str] | None:
        """Return where the log, or the engine's words, match one of these patterns last; ^ and $ are a line's."""
        return _last(patterns, (*self.log, *self.words.splitlines()))

    def said(self, *patterns: str) -> re.Match[str] | None:
        """Return where the app's own `ending` matches one of these patterns last."""
        return _last(patterns, self.ending)


def _last(patterns: Iterable[str], lines: tuple[str, ...]) -> re.Match[str] | None:
    compiled = [re.compile(pattern) for pattern in patterns]
    for line in reversed(lines):
        for pattern in compiled:
            if found := pattern.search(line):
                return found
    return None
