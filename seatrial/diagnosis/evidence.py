"""The evidence of a failure, and the cause that is found from it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from seatrial.checks.http.probe import Result
from seatrial.engine.inspection import ContainerInspection
from seatrial.model.app import App, Check

__all__ = ["Cause", "Evidence", "Page", "Sources", "without_server_end"]

_REBUILD = "; then: invoke build smoke"
_TRACEBACK = "Traceback (most recent call last)"
# In the two lines above a traceback, these show that it continues the one before, or that it did not end the app.
_CONTINUES = re.compile("above exception, another|above exception was the direct cause|Exception ignored in")

# How Gunicorn's master says that its workers ended: a consequence, never the cause.
_SERVER_END = re.compile(r"gunicorn\.errors\.HaltServer: ")
# Gunicorn 27's own warning where it has no folder for its control socket: no harm to the app.
_SERVER_WARNING = "[ERROR] Control server error: "
# How Python draws an ExceptionGroup: a rule between its exceptions, and what stands before each line of a traceback.
_GROUP_RULE = re.compile(r"^ +\+[-+]{2,}")
_IN_GROUP = re.compile(r"^ +\| (?=(?: *File \"| {4}|Traceback|\S+(?:Error|Exception|Group)\b))")
_LAST_LINES = 2
_LINE = 120


class Cause(Struct, frozen=True, kw_only=True):
    """A cause of a failure: its name for programs, the reason as a sentence, and what to type next."""

    name: str
    reason: str
    hint: str

    @classmethod
    def fixed_by_build(cls, name: str, reason: str, hint: str) -> Cause:
        """Return a cause whose fix needs a new build."""
        return cls(name=name, reason=reason, hint=f"{hint}{_REBUILD}")

    @classmethod
    def fixed_by_setting(cls, name: str, reason: str, setting: str, app: App) -> Cause:
        """Return a cause that a setting fixes, without a new build."""
        return cls(name=name, reason=reason, hint=f"{setting} under apps.{app.name} in invoke.yaml, then: invoke smoke")

    @classmethod
    def fixed_by_check(cls, name: str, reason: str, field: str, evidence: Evidence) -> Cause:
        """Return a cause that a field of the failed check fixes, without a new build."""
        path = evidence.check.path if evidence.check else "/"
        return cls.fixed_by_setting(name, reason, f"checks: [{{path: {path}, {field}}}]", evidence.app)


class Page(Struct, frozen=True, kw_only=True):
    """The app's answer to a repeated request: status, title, Server header, and the beginning of the text."""

    status: int
    server: str = ""
    title: str = ""
    text: str = ""


class Sources(Struct, frozen=True, kw_only=True):
    """The app's own modules, its requirements file, and the packages in that file.

    `requirements` is relative to the app's folder, empty if there is none. Package names are lowercase, with `-`.
    """

    modules: frozenset[str] = frozenset()
    requirements: str = ""
    required: frozenset[str] = frozenset()


class Evidence(Struct, frozen=True, kw_only=True):
    """Everything known about a container that failed.

    `inspection` is None if somebody removed the container. `log` has its last lines, `results` the results of the
    checks that ran, `page` the page of a wrong answer, and `words` the engine's message if the start failed. `tls` is
    whether the app speaks TLS where a check asked in plain HTTP.
    Platforms look like `linux/arm64`; they are empty if unknown.
    """

    app: App
    inspection: ContainerInspection | None = None
    log: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    page: Page | None = None
    tls: bool = False
    words: str = ""
    image_platform: str = ""
    engine_platform: str = ""
    sources: Sources = Sources()

    @property
    def running(self) -> bool:
        """Whether the container is running."""
        return self.inspection is not None and self.inspection.running

    @property
    def dead(self) -> bool:
        """Whether the container has ended, or never started."""
        return self.inspection is not None and not self.inspection.running

    @property
    def command(self) -> tuple[str, ...]:
        """The command it runs, without the engine's init."""
        return self.inspection.command if self.inspection else ()

    @property
    def command_line(self) -> str:
        """The first 100 characters of the command, as text."""
        return " ".join(self.command)[:100]

    @property
    def failed(self) -> Result | None:
        """The result of the first check that failed, or None."""
        return next((result for result in self.results if result.problem), None)

    @property
    def check(self) -> Check | None:
        """The first check that failed, or None."""
        return self.failed.check if self.failed else None

    @property
    def problem(self) -> str:
        """The first failed check and its problem as text, empty if no check failed."""
        failed = self.failed
        return f"{failed.check}: {failed.problem}" if failed else ""

    @property
    def answered(self) -> bool:
        """Whether the app gave an answer that waiting would not change; then its log need not show the cause."""
        return self.running and self.failed is not None and self.failed.final and not self.silent

    @property
    def silent(self) -> bool:
        """Whether the failed check got no HTTP response."""
        return self.failed is not None and (self.failed.problem or "").startswith("no answer")

    @property
    def answers_with_error(self) -> bool:
        """Whether the app answered with a 5xx status."""
        return bool(re.search(r"status 5\d\d", self.problem))

    @property
    def has_traceback(self) -> bool:
        """Whether the log contains a traceback."""
        return any(_TRACEBACK in line for line in self.log)

    @property
    def last_line(self) -> str:
        """The last line of the log that is not empty, cut to 120 characters; empty if there is none."""
        return next((line.strip() for line in reversed(self.log) if line.strip()), "")[:_LINE]

    @property
    def final_log(self) -> tuple[str, ...]:
        """The log from the exception that ended the app, or failed its answer, on, with the exceptions behind it.

        Without such an exception it is the whole log.
        """
        start = 0
        for at, line in enumerate(self.log if self.dead or self.answers_with_error else ()):
            if _TRACEBACK in line and not any(map(_CONTINUES.search, self.log[max(at - 2, 0) : at])):
                start = at
        return self.log[start:]

    @property
    def exception_lines(self) -> tuple[str, ...]:
        """The unindented lines after the last traceback; the exception is the first."""
        at = max((at for at, line in enumerate(self.log) if _TRACEBACK in line), default=len(self.log))
        return tuple(line for line in self.log[at + 1 :] if line and not line[0].isspace())

    @property
    def worker_ended(self) -> bool:
        """Whether the container runs on and serves nothing, and the last thing in its log is an exception."""
        served = self.inspection.sockets if self.inspection else None
        return self.running and self.silent and not served and 0 < len(self.exception_lines) <= _LAST_LINES

    def search_log(self, *patterns: str) -> re.Match[str] | None:
        """Return the last match of any pattern in a line of the log or of the engine's message."""
        return _last_match(patterns, (*self.log, *self.words.splitlines()))

    def search_final_log(self, *patterns: str) -> re.Match[str] | None:
        """Return the last match of any pattern in a line of `final_log`."""
        return _last_match(patterns, self.final_log)


def _last_match(patterns: Iterable[str], lines: tuple[str, ...]) -> re.Match[str] | None:
    compiled = [re.compile(pattern) for pattern in patterns]
    for line in reversed(lines):
        for pattern in compiled:
            if found := pattern.search(line):
                return found
    return None


def without_server_end(log: tuple[str, ...]) -> tuple[str, ...]:
    """Return a log without a server's own warnings, and with the traceback of its own end cut to its last line.

    The exception that ended the app stands before it, in the worker's traceback. The frame around exceptions of a group
    is left out, too.
    """
    log = tuple(line for line in log if _SERVER_WARNING not in line)
    if any("Exception Group Traceback" in line for line in log):
        log = tuple(_IN_GROUP.sub("", line) for line in log if not _GROUP_RULE.match(line))
    ends = [at for at, line in enumerate(log) if _SERVER_END.match(line)]
    if not ends:
        return log
    first = next((at for at in range(ends[0], -1, -1) if _TRACEBACK in log[at]), ends[0])
    return (*log[:first], *log[ends[-1] :])
