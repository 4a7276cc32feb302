"""Causes that lie in a server's workers: they end again and again, or take too long."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.log import place, raised, shown, uncaught_exception

__all__ = ["crash_loop", "ends_again_and_again", "given_up", "hopeless_workers", "slow_worker", "waits_for_a_change"]

_TIMEOUT: Final = re.compile(r"WORKER TIMEOUT \(pid:\d+\)")
# How Gunicorn (two versions), uvicorn, uWSGI, PHP-FPM and supervisord report that a worker ended.
_ENDED: Final = tuple(
    map(
        re.compile,
        (
            r"Worker \(pid:\d+\) (?P<end>exited with code \d+|was sent SIG(?!TERM)\w+)",
            r"Worker with pid \d+ (?P<end>was terminated due to signal \d+)",
            r"Child process \[\d+\] (?P<end>died)",
            r"worker \d+ (?:\(pid: \d+\) )?(?P<end>died[^:]*)",
            r"child \d+ (?P<end>exited (?:with code|on signal) \d+)",
            r"exited: \S+ \((?P<end>[^;)]+); not expected\)",
            r"^(?P<end>Node)\.js v\d",
        ),
    )
)
# The servers' own lines, and empty ones.
_SERVERS: Final = re.compile(r"\[\d{4}-\d\d-\d\d |INFO: |\*{3} |.*uWSGI |worker respawning|\s*$")
_RELOADER: Final = re.compile(r"--(?:reload|debug|watch)\b|\brunserver\b|\bnodemon\b")
_ENDS: Final = 4
_TIMEOUTS: Final = 2
_LONGEST: Final = 160


def slow_worker(evidence: Evidence) -> Cause | None:
    """Recognise a Gunicorn that killed a worker because it took too long."""
    if evidence.answered or not _timeouts(evidence):
        return None
    where = f" at {at}" if (at := place(evidence)) else ""
    return Cause.fixed_by_build(
        "worker-timeout",
        "gunicorn killed its worker, which took longer than gunicorn's --timeout",
        f"find out what the worker waits for{where} (a database, a lock), or raise --timeout in CMD",
    )


def crash_loop(evidence: Evidence) -> Cause | None:
    """Recognise a server whose workers end again and again, so that it always starts new ones."""
    ends = _ends(evidence.log)
    if evidence.answered or not evidence.running or evidence.answers_with_error or len(ends) < _ENDS:
        return None
    error = raised(evidence)
    words = shown(error) if error else _last_words(evidence)
    reason = f"the server's workers end again and again (the last one {ends[-1]})" + (f": {words}" if words else "")
    if "SIGSEGV" in ends[-1]:
        setting = "environment: {PYTHONFAULTHANDLER: 1} shows in the log which line crashes: set it"
        return Cause.fixed_by_setting("crash-loop", reason, setting, evidence.app)
    hint = f"fix {place(evidence) or 'what ends them (see their last lines)'}"
    return Cause.fixed_by_build("crash-loop", reason, hint)


def given_up(evidence: Evidence) -> Cause | None:
    """Recognise a supervisord that does not start its program any more, and runs on without it."""
    found = evidence.search_log(r"gave up: (?P<name>\S+) entered FATAL state")
    if not found or not evidence.silent:
        return None
    status = evidence.search_log(rf"exited: {re.escape(found['name'])} \((?P<status>exit status \d+|[^;]+);")
    ended = f": it ended each time ({status['status']})" if status else ""
    return Cause.fixed_by_build(
        "crash-loop",
        f"supervisord gave up starting {found['name']}{ended}",
        "fix what ends it (stderr_logfile=/dev/stderr and stderr_logfile_maxbytes=0 show what it says)",
    )


def hopeless_workers(evidence: Evidence) -> Cause | None:
    """Recognise workers that end, or are killed for their time, so often that more waiting is useless."""
    return slow_worker(evidence) if _timeouts(evidence) >= _TIMEOUTS else crash_loop(evidence)


def ends_again_and_again(log: Iterable[str]) -> bool:
    """Return whether a server's log says that its workers end again and again."""
    return len(_ends(log)) >= _ENDS


def waits_for_a_change(evidence: Evidence) -> Cause | None:
    """Recognise a server for development whose app has ended, and which waits for a file to change."""
    if not _RELOADER.search(" ".join(evidence.command)) or not evidence.worker_ended:
        return None
    return uncaught_exception(evidence)


def _ends(log: Iterable[str]) -> list[str]:
    """Return how each worker ended."""
    return [found["end"].strip() for line in log for one in _ENDED if (found := one.search(line))]


def _timeouts(evidence: Evidence) -> int:
    return sum(_TIMEOUT.search(line) is not None for line in evidence.log)


def _last_words(evidence: Evidence) -> str:
    """Return the last line that is not the server's, empty if there is none."""
    own = (line.strip() for line in reversed(evidence.log) if not _SERVERS.match(line))
    return next((line for line in own if not any(one.search(line) for one in _ENDED)), "")[:_LONGEST]
