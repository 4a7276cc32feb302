"""Causes that show in what came back: another app's page, another version, nothing, too late."""

from __future__ import annotations

import re
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence

__all__ = ["deployed_cause", "no_answer", "server_error", "slow_start", "wrong_answer", "wrong_app", "wrong_version"]

# Pages that everybody's server shows when it was given no app: by their title, or all of a page without one.
_STRANGERS: Final = (
    (r"Directory listing for ", "Python's http.server, which lists a folder"),
    (r"Welcome to nginx!?$", "nginx's welcome page"),
    (
        r"Apache2? .*Default Page|(?i:<html>\s*<body>\s*<h1>It works!</h1>\s*</body>\s*</html>)$",
        "Apache's default page",
    ),
    (r"Caddy works!?$", "Caddy's default page"),
    (r"IIS Windows", "the default page of IIS"),
    (r"Welcome to Jetty|Apache Tomcat/", "a servlet container's default page"),
    (r"The install worked successfully", "Django's default page"),
)


def wrong_version(evidence: Evidence) -> Cause | None:
    """Tell when the right app answers, of another version."""
    found = re.search(r"expected version \S+(?: of image \S+)?, got \S+", evidence.problem)
    if not evidence.answered or not found:
        return None
    return Cause.to_build(
        "wrong-version",
        evidence.problem,
        "let the Dockerfile take the build argument VERSION and the app answer it",
    )


def wrong_app(evidence: Evidence) -> Cause | None:
    """Tell when something else answers: a server's own page, not the app's."""
    page = evidence.page
    if not evidence.answered or not page:
        return None
    for pattern, name in _STRANGERS:
        if re.match(pattern, page.title or page.text.strip()):
            return Cause.to_build(
                "wrong-app",
                f"{name} answers, not the app: {_page(evidence)}",
                f"let CMD start the app (now: {evidence.typed})",
            )
    return None


def server_error(evidence: Evidence) -> Cause | None:
    """Tell when the app answers, and nothing but its own failure, up to the deadline."""
    if not evidence.running or not evidence.failing:
        return None
    return Cause.to_build(
        "server-error",
        f"{evidence.problem} (for {evidence.app.smoke_timeout:g} s)",
        "mend what the log says of it",
    )


def no_answer(evidence: Evidence) -> Cause | None:
    """Tell when the app takes the connection and never answers, or not in HTTP."""
    seen = evidence.inspection
    if not seen or not evidence.running or not evidence.silent:
        return None
    if "no HTTP answer" in evidence.problem:
        reason, hint = (
            f"it answers no HTTP: {evidence.problem}",
            f"let plain HTTP be spoken on port {evidence.app.port}",
        )
        return Cause.to_build("no-answer", reason, hint)
    listens = any(one.port == evidence.app.port for one in seen.sockets or ())
    if not listens and "no complete answer" not in evidence.problem:
        return None
    return Cause.to_build(
        "no-answer",
        f"it listens and does not answer: {evidence.problem}",
        "look at what the app waits for (a database, a lock, a worker that is busy)",
    )


def slow_start(evidence: Evidence) -> Cause | None:
    """Tell when the app was still starting when the time was over."""
    app = evidence.app
    if not evidence.running or not evidence.silent:
        return None
    said = next((line.strip() for line in reversed(evidence.log) if line.strip()), "")
    last = f"its last words: {said[:120]}" if said else "it has said nothing"
    nothing = evidence.inspection and evidence.inspection.sockets == ()
    where = "listens on no port yet" if nothing else f"does not answer on port {app.port}"
    return Cause.to_set(
        "slow-start",
        f"after {app.smoke_timeout:g} s it {where}; {last}",
        f"smoke_timeout: {max(2 * app.smoke_timeout, 30):g}",
        app,
    )


def wrong_answer(evidence: Evidence) -> Cause | None:
    """Tell when the app answers, and something else than was asked for."""
    problems = "; ".join(f"{one.check}: {one.problem}" for one in evidence.results if one.problem)
    if not evidence.running or not problems:
        return None
    page = f" ({_page(evidence)})" if evidence.page and evidence.page.title else ""
    return Cause.to_build("wrong-answer", f"{problems}{page}", "mend the app or its checks in invoke.yaml")


def deployed_cause(problem: str) -> str:
    """Return the cause's name for what is wrong with something deployed elsewhere: only its answer can be looked at."""
    if problem.startswith("no answer"):
        return "no-answer"
    if re.match(r"status 5\d\d", problem):
        return "server-error"
    return "wrong-version" if "expected version" in problem else "wrong-answer"


def _page(evidence: Evidence) -> str:
    page = evidence.page
    if page is None:
        return ""
    parts = [f"status {page.status}"]
    parts += [f"title {page.title!r}"] if page.title else []
    parts += [f"server {page.server}"] if page.server else []
    return ", ".join(parts)
