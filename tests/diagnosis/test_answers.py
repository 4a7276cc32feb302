"""The causes that an app's answers show, and what to write into its check."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from seatrial.checks.http.probe import Result
from seatrial.diagnosis.answers import deployed_cause
from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Page
from seatrial.engine.inspection import Socket
from seatrial.model.check import Check
from tests.diagnosis.test_causes import RUNNING, evidence

CLOSED = "no answer: the connection was closed"
STREAM = "the body does not contain 'b'; it begins 'a'; the answer does not end: it is a stream"
REFUSED = "status 400, expected 200; the body begins 'Bad Request'"
UWSGI = "invalid request block size: 21573 (max 4096)...skip"
DJANGO = "Invalid HTTP_HOST header: '127.0.0.1:32768'. You may need to add '127.0.0.1' to ALLOWED_HOSTS."


@pytest.mark.parametrize(
    ("problem", "more", "cause", "hint"),
    [
        (CLOSED, {"tls": True}, "https-only", "checks: [{path: /, scheme: https}] under apps.web"),
        ("status 400, expected 200; the body begins ''", {"tls": True}, "https-only", "scheme: https"),
        (CLOSED, {"sockets": "::"}, "ipv6-only", "0.0.0.0:5000"),
        (CLOSED, {"sockets": "0.0.0.0"}, "no-answer", "speak HTTP"),  # noqa: S104
        ("no answer: no complete answer within 5.0 s", {"sockets": "0.0.0.0"}, "no-answer", "waits for"),  # noqa: S104
        (CLOSED, {"sockets": "0.0.0.0", "log": UWSGI}, "no-answer", "http-socket"),  # noqa: S104
        (STREAM, {}, "endless-answer", "another path"),
        ("the answer does not end: 12 bytes of its body came in time", {}, "endless-answer", "another path"),
        (
            "it redirects to http://shop.example/login, which is not on http://127.0.0.1:5000",
            {},
            "redirect-elsewhere",
            "checks: [{path: /, headers: {Host: shop.example}}] under apps.web",
        ),
        (
            "it redirects to https://127.0.0.1:5000/, which is not on http://127.0.0.1:5000",
            {},
            "redirect-elsewhere",
            "{X-Forwarded-Proto: https}",
        ),
        (
            "it redirects to https://shop.example/, which is not on http://127.0.0.1:5000",
            {},
            "redirect-elsewhere",
            "{Host: shop.example, X-Forwarded-Proto: https}",
        ),
        (
            "it redirects to http://127.0.0.1:5000/home/, which is not on http://127.0.0.1:32768",
            {},
            "redirect-elsewhere",
            "without host and port",
        ),
        (
            "status 403, expected 200; the body begins 'This host (\"x\") is not allowed.'",
            {},
            "host-not-allowed",
            "NAME",
        ),
        ("status 421, expected 200; the body begins ''", {}, "host-not-allowed", "{Host: NAME}"),
        ("it redirects to ftp://localhost/, which is not on http://127.0.0.1:5000", {}, "wrong-answer", "checks"),
        (REFUSED, {"log": DJANGO}, "host-not-allowed", "add 127.0.0.1 to ALLOWED_HOSTS"),
        (REFUSED, {"page": Page(status=400, text="Invalid host header")}, "host-not-allowed", "{Host: NAME}"),
        (REFUSED, {}, "wrong-answer", "checks"),
        ("status 404, expected 200; the body begins ''", {"log": DJANGO}, "wrong-answer", "checks"),
    ],
)
def test_answers(problem: str, more: dict[str, Any], cause: str, hint: str) -> None:
    """Each kind of wrong answer has its cause, and a hint with what to write into the check, or into the app."""
    sockets = more.pop("sockets", None)
    seen = replace(RUNNING, sockets=(Socket(port=5000, address=sockets),) if sockets else None)
    log = (more.pop("log"),) if "log" in more else ()
    result = Result(check=Check(), problem=problem, final=not problem.startswith("no answer"))

    found = diagnose(evidence(seen, *log, results=(result,), **more))

    assert found.name == cause
    assert hint in found.hint


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        (STREAM, "endless-answer"),
        ("it redirects to http://b.example/, which is not on http://a.example", "redirect-elsewhere"),
    ],
)
def test_answers_of_what_is_deployed(problem: str, cause: str) -> None:
    """The answers alone have the same causes."""
    assert deployed_cause(problem) == cause
