"""Run checks against an app: wait while it is not ready, stop at a wrong answer."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Callable

from msgspec import Struct, field
from msgspec.structs import replace

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send
from seatrial.checks.http.response import Expected, Response, problem_with
from seatrial.errors import sanitize
from seatrial.events import CheckResult
from seatrial.model.app import Check

__all__ = ["PENDING", "Attempt", "PollInterval", "Result", "probe", "request_for"]

PENDING = "no answer: no response yet"
"""The problem of a check whose request has been sent and not been answered."""

_REQUEST_SECONDS = 10.0
_SHORTEST_TIMEOUT = 0.05
_SERVER_ERROR = 500
_LONGEST_LINE = 160
_LONGEST_PAUSE = 1.0
_LATE = "no answer: no complete answer"
_SETTLING = 1.0


class Attempt(Struct, frozen=True, kw_only=True):
    """One outcome of a request as text, and how often it came in a row; `at` is in seconds since the probe began."""

    at: float
    words: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.at:7.3f} s  {self.words}" + (f" ({self.count} times)" if self.count > 1 else "")


class Result(Struct, frozen=True, kw_only=True):
    """The result of one check: `problem` is None if it passed; `final` is true if waiting would not change it.

    `attempts` is the timeline: the attempt that counted is last, and equal ones in a row are one.
    """

    check: Check
    problem: str | None
    final: bool = True
    seconds: float = 0.0
    attempts: tuple[Attempt, ...] = ()

    @property
    def as_event(self) -> CheckResult:
        """The event that reports this result."""
        timeline = tuple(map(str, self.attempts))
        return CheckResult(check=str(self.check), problem=self.problem, seconds=self.seconds, timeline=timeline)

    @property
    def state(self) -> str:
        """What the app does, in two words: `answers 500`, or `does not answer`."""
        found = re.match(r"status (\d+)", self.problem or "")
        return f"answers {found[1]}" if found else "does not answer"

    @property
    def timeline(self) -> tuple[str, ...]:
        """One line per attempt, each with the check's name."""
        named = (
            replace(one, words=f"{self.check}: {sanitize(one.words, limit=_LONGEST_LINE)}") for one in self.attempts
        )
        return tuple(map(str, named))


class PollInterval(Struct, frozen=True, kw_only=True):
    """The pauses between two requests to an app that is not ready, in seconds; each is longer than the one before.

    A pause is at most `longest` in the first second, so that an app is found within 20 ms of being ready. It grows with
    the square of the time waited, up to one second after ten. `alive_interval` is the longest time in seconds between
    two looks at whether the app is still alive.
    """

    first: float = 0.002
    longest: float = 0.01
    growth: float = 1.2
    alive_interval: float = 0.1

    def after(self, pause: float, waited: float) -> float:
        """Return the next pause, after one of `pause` seconds, when `waited` seconds have passed."""
        return min(pause * self.growth, max(self.longest, min(waited**2 / 100, _LONGEST_PAUSE)))


_OWN_CONTAINER = PollInterval()


def probe(  # noqa: PLR0913  each argument is one thing
    base_url: BaseUrl,
    checks: tuple[Check, ...],
    *,
    expected: Expected,
    seconds: float,
    alive: Callable[[], bool] = lambda: True,
    settled: Callable[[Result, float], bool] = lambda _result, _waited: False,
    interval: PollInterval = _OWN_CONTAINER,
) -> tuple[Result, ...]:
    """Run all checks against an app, for at most `seconds` in total, and return the results in the checks' order.

    A refused, reset or interrupted connection and a 5xx mean "not ready"; any other wrong answer is final. `alive` is
    called at intervals, and whenever the outcome changes. `settled` is called once a second with the current result, or
    a `PENDING` one, and the seconds waited. If the app is not alive, or its result settled, probing stops and the
    current check is the last result.
    """
    wait = _Wait(base_url=base_url, expected=expected, seconds=seconds, alive=alive, settled=settled, interval=interval)
    results: list[Result] = []
    for check in checks:
        results.append(wait.run(check))
        if wait.over:
            break
    return tuple(results)


class _Wait(Struct, kw_only=True):
    """The wait that all checks of an app share."""

    base_url: BaseUrl
    expected: Expected
    seconds: float
    alive: Callable[[], bool]
    settled: Callable[[Result, float], bool]
    interval: PollInterval
    start: float = field(default_factory=time.monotonic)
    alive_checked_at: float = field(default_factory=time.monotonic)
    settled_checked_at: float = field(default_factory=time.monotonic)
    ready: bool = False
    over: bool = False

    @property
    def left(self) -> float:
        return self.start + self.seconds - time.monotonic()

    def run(self, check: Check) -> Result:
        """Repeat one check until its result is final or the time is over."""
        started, pause = time.monotonic(), self.interval.first
        attempts: list[Attempt] = []
        before: Result | None = None
        while True:
            sent = time.monotonic()
            result, again = self._run_once(check)
            at = sent - self.start
            if before and self.seconds - at < _SETTLING and (result.problem or "").startswith(_LATE):
                result = before  # cut off by the deadline, the last request shows nothing
            if attempts and attempts[-1].words == (result.problem or "passed"):
                attempts[-1] = replace(attempts[-1], count=attempts[-1].count + 1)
            else:
                attempts.append(Attempt(at=at, words=result.problem or "passed"))
            before = result
            if again and self.left > 0:
                continue
            if result.problem is None or result.final or self.left <= 0 or self.over:
                break
            new = len(attempts) > 1 and attempts[-1].count == 1
            if (new and not self._check_alive()) or self._is_settled(result, attempts):
                break
            rest = min(pause, self.left - _SHORTEST_TIMEOUT)  # the last request is sent right before the deadline
            if rest <= 0 or not self._pause(sent + rest):
                break
            pause = self.interval.after(pause, time.monotonic() - self.start)
        return replace(result, seconds=time.monotonic() - started, attempts=tuple(attempts))

    def _pause(self, until: float) -> bool:
        """Wait, and return whether the app stays alive."""
        while True:
            now = time.monotonic()
            if now - self.alive_checked_at >= self.interval.alive_interval and not self._check_alive():
                return False
            if now >= until:
                return True
            time.sleep(min(until - now, self.interval.alive_interval))

    def _check_alive(self) -> bool:
        self.over = not self.alive()
        self.alive_checked_at = time.monotonic()
        return not self.over

    def _is_settled(self, result: Result, attempts: list[Attempt]) -> bool:
        now = time.monotonic()
        if now - self.settled_checked_at >= _SETTLING:
            self.over = self.settled(replace(result, attempts=tuple(attempts)), now - self.start)
            self.settled_checked_at = time.monotonic()
        return self.over

    def _run_once(self, check: Check) -> tuple[Result, bool]:
        """Return the check's result, and whether to repeat it at once because the app has only just become ready."""
        timed = check.within if self.ready else None
        limit = max(_REQUEST_SECONDS, check.within or 0) if timed is None else timed
        sent, base_url = time.monotonic(), self.base_url.spoken(check.scheme)
        try:
            request = request_for(check, self.expected)
            response = send(
                base_url,
                request,
                seconds=min(max(self.left, _SHORTEST_TIMEOUT), limit),
                follow=check.follows_redirects,
                useless=lambda: not self.ready and self._is_settled(Result(check=check, problem=PENDING), []),
            )
        except OSError as error:
            late = timed is not None and isinstance(error, TimeoutError)
            return Result(check=check, problem=f"no answer: {_words(error)}", final=late or _is_permanent(error)), False
        took = time.monotonic() - sent
        problem = problem_with(check, response, self.expected, base_url)
        if problem and _not_yet(check, response):
            return Result(check=check, problem=problem, final=False), False
        first, self.ready = not self.ready, True
        if problem is None and check.within is not None and took > check.within:
            problem = f"it answered after {took:.2f} s, not within {check.within:g} s"
            return Result(check=check, problem=problem), first
        return Result(check=check, problem=problem), False


def request_for(check: Check, expected: Expected) -> Request:
    """Return the request of a check, with `{version}` replaced by the expected version."""
    headers = {name: expected.with_version(value) for name, value in check.headers.items()}
    body = expected.with_version(check.body)
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        if "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
    return Request(
        method=check.method,
        path=expected.with_version(check.path),
        headers=headers,
        body=None if body is None else body.encode(),
    )


def _not_yet(check: Check, response: Response) -> bool:
    return response.status >= _SERVER_ERROR and response.status != check.status


def _is_permanent(error: OSError) -> bool:
    """Return whether another request would fail the same way: a bad certificate, or an unknown host."""
    unknown_host = isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME
    return unknown_host or (isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError))


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return sanitize(f"its certificate is not trusted: {error.verify_message}", limit=160)
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the connection was closed"  # by chance the system reports a reset or a broken pipe
    return sanitize(str(error.strerror or error), limit=120)
