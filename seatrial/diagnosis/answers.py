"""Causes that the app's responses show: another app's page, another version, no answer, too late."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from seatrial.diagnosis.entrypoint import repeats
from seatrial.diagnosis.evidence import Cause, Evidence, Page

__all__ = [
    "deployed_cause",
    "endless_answer",
    "host_not_allowed",
    "https_only",
    "named_error",
    "no_answer",
    "redirect_elsewhere",
    "server_error",
    "slow_start",
    "wrong_answer",
    "wrong_app",
    "wrong_version",
]

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_ELSEWHERE: Final = re.compile(r"redirects to (\S+), which is not on ")
_CLOSED: Final = "the connection was closed"
_ENDLESS: Final = "the answer does not end"
# Django's page of a 500 that it does not explain.
_DJANGO: Final = "Server Error (500)"
_NAMED_ERROR: Final = re.compile(
    r"\b(?!Internal|Server)\w+(?:Error|Exception)\b.*|(?i:connect|refused|time(?:d )?out|no such).*", re.DOTALL
)
_LONGEST_NAME: Final = 500
# What Django, Starlette, Werkzeug, Rails and Vite say of a Host header that their settings do not allow.
_HOST_NOT_ALLOWED: Final = (
    r"Invalid HTTP_HOST header|DisallowedHost|(?i:Invalid host header)|is not trusted|Blocked hosts?:"
    r"|This host .*is not allowed|status 421, expected"
)
# Default pages of servers without an app: matched by title, or by the whole text if the page has no title.
_DEFAULT_PAGES: Final = (
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
    """Recognise the right app in another version."""
    found = re.search(r"expected version \S+(?: of image \S+)?, got \S+", evidence.problem)
    if not evidence.answered or not found:
        return None
    return Cause.fixed_by_build(
        "wrong-version",
        evidence.problem,
        "add ARG VERSION to the Dockerfile, and let the app answer with that version",
    )


def wrong_app(evidence: Evidence) -> Cause | None:
    """Recognise a server's default page in the place of the app's."""
    page = evidence.page
    if not evidence.answered or not page:
        return None
    for pattern, name in _DEFAULT_PAGES:
        if re.match(pattern, page.title or page.text.strip()):
            return Cause.fixed_by_build(
                "wrong-app",
                f"{name} answers, not the app: {_page(evidence)}",
                f"let CMD start the app (now: {evidence.command_line})",
            )
    return None


def https_only(evidence: Evidence) -> Cause | None:
    """Recognise an app that speaks TLS where it was asked in plain HTTP."""
    if not evidence.running or not evidence.tls or evidence.check is None:
        return None
    reason = f"it speaks HTTPS on port {evidence.app.port}, and not HTTP: {evidence.problem}"
    return Cause.fixed_by_check("https-only", reason, "scheme: https", evidence)


def endless_answer(evidence: Evidence) -> Cause | None:
    """Recognise an answer whose body does not end, such as an event stream."""
    if not evidence.answered or _ENDLESS not in evidence.problem:
        return None
    return Cause.fixed_by_build(
        "endless-answer",
        evidence.problem,
        "let the app end its answer, or let the check ask another path (of an event stream, status, response_headers "
        "and a text at its beginning can be checked)",
    )


def redirect_elsewhere(evidence: Evidence) -> Cause | None:
    """Recognise an app that redirects to the name, or to the scheme, that it has when it is deployed."""
    found = _ELSEWHERE.search(evidence.problem)
    if not evidence.answered or not found:
        return None
    try:
        parts = urlsplit(found[1])
    except ValueError:
        return None
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return Cause.fixed_by_build(
            "redirect-elsewhere",
            f"{evidence.problem}: the port of this machine is another one than that in the container",
            "let the app redirect to a path, without host and port (nginx: absolute_redirect off)",
        )
    header = f"Host: {parts.netloc}" if parts.hostname not in _LOOPBACK else ""
    if parts.scheme == "https":
        header = f"{header}{', ' if header else ''}X-Forwarded-Proto: https"
    if not header:
        return None
    return Cause.fixed_by_check("redirect-elsewhere", evidence.problem, f"headers: {{{header}}}", evidence)


def host_not_allowed(evidence: Evidence) -> Cause | None:
    """Recognise an app that refuses the host name it was asked by, as Django does with ALLOWED_HOSTS."""
    page = f"{evidence.page.title} {evidence.page.text}" if evidence.page else ""
    refused = re.search(r"status (?:400|403|421), expected", evidence.problem)
    said = evidence.search_log(_HOST_NOT_ALLOWED) or re.search(_HOST_NOT_ALLOWED, f"{page} {evidence.problem}")
    if not evidence.answered or not refused or not said:
        return None
    asked = {name.lower(): value for name, value in evidence.check.headers.items()} if evidence.check else {}
    host = asked.get("host", "127.0.0.1")
    cause = Cause.fixed_by_check(
        "host-not-allowed",
        f"it does not accept the host name {host}: {evidence.problem}",
        "headers: {Host: NAME}",
        evidence,
    )
    return replace(cause, hint=f"{cause.hint} (a NAME that it accepts); or add {host} to ALLOWED_HOSTS in the app")


def server_error(evidence: Evidence) -> Cause | None:
    """Recognise an app that answers with 5xx."""
    if not evidence.running or not evidence.answers_with_error:
        return None
    page, problem = evidence.page, evidence.problem
    if page and page.title:
        problem = f"{problem.partition('; the body begins')[0]}; the page's title is {page.title!r}"
    if page and named_error(page):
        hint = "fix the error that the page names"
    elif evidence.has_traceback:
        hint = "fix the error that the log shows"
    else:
        hint = "let the app log its exceptions to standard error: the log shows none"
        if page and page.title == _DJANGO:
            hint += " (Django: a console handler in LOGGING, or DEBUG = True)"
    return Cause.fixed_by_build("server-error", problem, hint)


def named_error(page: Page) -> str:
    """Return the error that the page of a 5xx names in its title, or in a text that is not HTML; else empty."""
    text = page.title or ("" if page.text.lstrip().startswith("<") else page.text)
    found = _NAMED_ERROR.search(text[:_LONGEST_NAME])
    return text[: found.end()] if found else ""


def no_answer(evidence: Evidence) -> Cause | None:
    """Recognise an app that accepts the connection but does not answer, or not in HTTP."""
    inspection = evidence.inspection
    if not inspection or not evidence.running or not evidence.silent:
        return None
    if "no HTTP answer" in evidence.problem:
        reason, hint = (
            f"it does not answer in HTTP: {evidence.problem}",
            f"let the app serve plain HTTP on port {evidence.app.port}",
        )
        return Cause.fixed_by_build("no-answer", reason, hint)
    if evidence.search_log(r"^invalid request block size: \d+ \(max \d+\)\.\.\.skip"):
        reason = f"it speaks uWSGI's own protocol on port {evidence.app.port}, and not HTTP"
        return Cause.fixed_by_build("no-answer", reason, "start uWSGI with http-socket instead of socket")
    listens = any(one.port == evidence.app.port for one in inspection.sockets or ())
    if not listens and "no complete answer" not in evidence.problem:
        return None
    return Cause.fixed_by_build(
        "no-answer",
        f"it listens but does not answer: {evidence.problem}",
        f"find out why the app ends the connection (does it speak HTTP on port {evidence.app.port}?)"
        if _CLOSED in evidence.problem
        else "find out what the app waits for (a database, a lock, a busy worker)",
    )


def slow_start(evidence: Evidence) -> Cause | None:
    """Recognise an app that was still starting when the time was over."""
    app = evidence.app
    if not evidence.running or not evidence.silent:
        return None
    log = f"its last log line: {evidence.last_line}" if evidence.last_line else "its log is empty"
    no_socket = evidence.inspection and evidence.inspection.sockets == ()
    state = "does not listen on any port yet" if no_socket else f"does not answer on port {app.port}"
    if repeats(evidence):
        return Cause.fixed_by_build(
            "slow-start",
            f"after {app.smoke_timeout:g} s it {state}; it says again and again: {evidence.last_line}",
            "fix what that line says: a smoke test starts this container alone, without a database or another service",
        )
    return Cause.fixed_by_setting(
        "slow-start",
        f"after {app.smoke_timeout:g} s it {state}; {log}",
        f"smoke_timeout: {max(2 * app.smoke_timeout, 30):g}",
        app,
    )


def wrong_answer(evidence: Evidence) -> Cause | None:
    """Recognise an app whose answer does not match a check."""
    problems = "; ".join(f"{one.check}: {one.problem}" for one in evidence.results if one.problem)
    if not evidence.running or not problems:
        return None
    page = f" ({_page(evidence)})" if evidence.page and evidence.page.title else ""
    return Cause.fixed_by_build("wrong-answer", f"{problems}{page}", "fix the app, or its checks in invoke.yaml")


def deployed_cause(problem: str) -> str:
    """Return the name of the cause of a problem with a deployed app: only its answer is known, not its container."""
    if problem.startswith("no answer"):
        return "no-answer"
    if _ELSEWHERE.search(problem):
        return "redirect-elsewhere"
    if _ENDLESS in problem:
        return "endless-answer"
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
