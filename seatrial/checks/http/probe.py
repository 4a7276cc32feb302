"""A list of checks put to an app, with patience for one that is not ready yet and none for a wrong answer."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from seatrial.checks.http.base_url import Site
from seatrial.checks.http.request import Question, ask
from seatrial.checks.http.response import Answer, Expected, problem_with
from seatrial.errors import cleaned
from seatrial.events import Checked
from seatrial.model.app import Check

__all__ = ["Pace", "Result", "Try", "probe", "question_for"]

_REQUEST_SECONDS = 10.0
_LEAST_SECONDS = 0.05
_SERVER_ERROR = 500
_LONGEST_WORDS = 160
_LONGEST_GROWN = 0.015  # and a question's own time: within 20 ms an app is found, however long it took


@dataclass(frozen=True, kw_only=True)
class Try:
    """What came of asking, in words, `at` so many seconds after the probe began; `count` times the same in a row."""

    at: float
    words: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.at:7.3f} s  {self.words}" + (f" ({self.count} times)" if self.count > 1 else "")


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one check came out: `problem` in words, or None; `final` when waiting would not change it.

    `tries` is the timeline of what came, the answer that counted last; equal ones in a row are one.
    """

    check: Check
    problem: str | None
    final: bool = True
    seconds: float = 0.0
    tries: tuple[Try, ...] = ()

    @property
    def told(self) -> Checked:
        """The event that tells of it."""
        timeline = tuple(map(str, self.tries))
        return Checked(check=str(self.check), problem=self.problem, seconds=self.seconds, timeline=timeline)

    @property
    def timeline(self) -> tuple[str, ...]:
        """What came of asking, in lines that name the check."""
        named = (replace(one, words=f"{self.check}: {cleaned(one.words, limit=_LONGEST_WORDS)}") for one in self.tries)
        return tuple(map(str, named))


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How soon an app that is not ready is asked again: pauses in seconds, each longer than the one before.

    A longest pause grows once the wait is a thousand times as long, to 15 ms at most. `look` is
    how many seconds at most pass until it is asked whether the app is alive at all.
    """

    first: float = 0.002
    longest: float = 0.01
    growth: float = 1.2
    look: float = 0.1

    def after(self, pause: float, waited: float) -> float:
        """Give the pause after a pause, so many seconds into the wait."""
        return min(pause * self.growth, max(self.longest, min(waited / 1000, _LONGEST_GROWN)))


_OWN_CONTAINER = Pace()


def probe(  # noqa: PLR0913  where, what, for how long: each is one thing
    site: Site,
    checks: tuple[Check, ...],
    *,
    expected: Expected,
    seconds: float,
    alive: Callable[[], bool] = lambda: True,
    pace: Pace = _OWN_CONTAINER,
) -> tuple[Result, ...]:
    """Put all checks to an app, waiting at most `seconds` in all, and give the results in the checks' order.

    Refused, reset, cut off and 5xx mean "not yet"; any other wrong answer is final at once. `alive` is asked now and
    then, and whenever something else comes than before; when it says no, the wait ends and the check that was being put
    is the last result.
    """
    wait = _Wait(site=site, expected=expected, seconds=seconds, alive=alive, pace=pace)
    results: list[Result] = []
    for check in checks:
        results.append(wait.put(check))
        if wait.gone:
            break
    return tuple(results)


@dataclass(kw_only=True)
class _Wait:
    """One wait for all checks of an app."""

    site: Site
    expected: Expected
    seconds: float
    alive: Callable[[], bool]
    pace: Pace
    start: float = field(default_factory=time.monotonic)
    looked: float = field(default_factory=time.monotonic)
    ready: bool = False
    gone: bool = False

    @property
    def left(self) -> float:
        return self.start + self.seconds - time.monotonic()

    def put(self, check: Check) -> Result:
        """Put one check until its answer is final or the wait is over."""
        began, pause = time.monotonic(), self.pace.first
        tries: list[Try] = []
        while True:
            asked = time.monotonic()
            result, again = self._ask(check)
            at = asked - self.start
            if tries and tries[-1].words == (result.problem or "passed"):
                tries[-1] = replace(tries[-1], count=tries[-1].count + 1)
            else:
                tries.append(Try(at=at, words=result.problem or "passed"))
            if again and self.left > 0:
                continue
            if result.problem is None or result.final or self.left <= 0:
                break
            new = len(tries) > 1 and tries[-1].count == 1
            if (new or time.monotonic() - self.looked >= self.pace.look) and not self._looks_alive():
                break
            if self.left <= pause:
                break
            time.sleep(max(0, asked + pause - time.monotonic()))
            pause = self.pace.after(pause, time.monotonic() - self.start)
        return replace(result, seconds=time.monotonic() - began, tries=tuple(tries))

    def _looks_alive(self) -> bool:
        self.gone = not self.alive()
        self.looked = time.monotonic()
        return not self.gone

    def _ask(self, check: Check) -> tuple[Result, bool]:
        """Give how a check comes out now, and whether it is to be asked again at once because only now it is ready."""
        timed = check.within if self.ready else None
        limit = max(_REQUEST_SECONDS, check.within or 0) if timed is None else timed
        asked = time.monotonic()
        try:
            question = question_for(check, self.expected)
            answer = ask(self.site, question, seconds=min(max(self.left, _LEAST_SECONDS), limit), follow=check.follows)
        except OSError as error:
            late = timed is not None and isinstance(error, TimeoutError)
            return Result(check=check, problem=f"no answer: {_words(error)}", final=late or _hopeless(error)), False
        took = time.monotonic() - asked
        problem = problem_with(check, answer, self.expected, self.site)
        if problem and _not_yet(check, answer):
            return Result(check=check, problem=problem, final=False), False
        first, self.ready = not self.ready, True
        if problem is None and check.within is not None and took > check.within:
            problem = f"it answered after {took:.2f} s, {check.within:g} s are allowed"
            return Result(check=check, problem=problem), first
        return Result(check=check, problem=problem), False


def question_for(check: Check, expected: Expected) -> Question:
    """Give a check's question, filled with what is expected."""
    headers = {name: expected.filled(value) for name, value in check.headers.items()}
    body = expected.filled(check.body)
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        if "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
    return Question(
        method=check.method,
        path=expected.filled(check.path),
        headers=headers,
        body=None if body is None else body.encode(),
    )


def _not_yet(check: Check, answer: Answer) -> bool:
    return answer.status >= _SERVER_ERROR and answer.status != check.status


def _hopeless(error: OSError) -> bool:
    """Whether asking again would not change it: a certificate, a name that nobody knows."""
    nameless = isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME
    return nameless or (isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError))


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return cleaned(f"its certificate is not trusted: {error.verify_message}", limit=160)
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the connection was closed"  # one end says reset and the other end of file, by chance
    return cleaned(str(error.strerror or error), limit=120)
