"""Checks as requests by curl."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import request_for
from seatrial.checks.http.request import Request
from seatrial.checks.http.response import Expected
from seatrial.model.app import App
from seatrial.model.check import Check
from seatrial.model.shell import ShellCommand, Variable, Word

__all__ = ["curl_checks"]

_ANSWER: Word = ("", Variable("answer"))
_REQUEST_SECONDS = 10
_FIRST_ERROR = 400
# Headers whose values let somebody in.
_SECRET_HEADER = re.compile("authorization|cookie|token|key|secret|password", re.IGNORECASE)
_GLOB = re.compile(r"[\[\]{}]")  # curl would make several URLs of it
_NOT_COMPARED = ("matches", "json", "response_headers")


def curl_checks(
    app: App, expected: Expected, base_url: BaseUrl | Variable
) -> tuple[tuple[ShellCommand, ...], tuple[str, ...]]:
    """Return an app's checks as commands, and notes about what these do not compare.

    `base_url` is where the app is, or the variable that holds its host and port. The first request is repeated until
    the app answers, or its time is up.
    """
    commands: list[ShellCommand] = []
    notes, variables = [], dict[tuple[str, str], str]()
    for number, check in enumerate(app.checks):
        commands += [
            _request(app, check, expected, base_url, variables, wait=number == 0),
            *_comparisons(check, expected, base_url),
        ]
        if left_out := [key for key in _NOT_COMPARED if getattr(check, key)]:
            notes.append(f"compares more of the answer to {check} than curl and grep do: {', '.join(left_out)}")
    return tuple(commands), tuple(notes)


def _request(  # noqa: PLR0913  each argument is one thing
    app: App,
    check: Check,
    expected: Expected,
    base_url: BaseUrl | Variable,
    variables: dict[tuple[str, str], str],
    *,
    wait: bool,
) -> ShellCommand:
    """Return the request of a check; the status and where it redirects to become the last line of the answer."""
    words: list[Word] = ["curl", "--silent", "--show-error"]
    words += ["--fail"] if (check.status or 200) < _FIRST_ERROR else []
    words += ["--location"] if check.follows_redirects else []
    if not isinstance(base_url, BaseUrl) or not base_url.deployed:
        words += ["--noproxy", "*", *(["--insecure"] if check.scheme == "https" else [])]
    words += ["--max-time", f"{check.within or _REQUEST_SECONDS:g}"]
    if wait:
        seconds = str(math.ceil(app.smoke_timeout))
        words += ["--retry", seconds, "--retry-delay", "1", "--retry-max-time", seconds, "--retry-all-errors"]
    request = request_for(check, expected)
    words += {"GET": [], "HEAD": ["--head"]}.get(request.method, ["--request", request.method])
    words += ["--globoff"] if _GLOB.search(request.path) else []
    headers, secret, needs = _headers(check, request, variables)
    words += headers
    words += [] if request.body is None else ["--data-raw", request.body.decode()]
    curl = (*words, "--write-out", r"\n%{http_code} %{redirect_url}\n", _url(base_url, check.scheme, request.path))
    return ShellCommand(
        argv=("printf", r"%s\n", *secret) if secret else curl,
        pipe=(curl,) if secret else (),
        saves="answer",
        object=f"app {app.name}",
        effect=f"is asked {check}" + (", until it is ready" if wait else ""),
        otherwise=f"{check} was not answered",
        needs=needs,
    )


def _headers(
    check: Check, request: Request, variables: dict[tuple[str, str], str]
) -> tuple[list[Word], list[Word], tuple[tuple[str, str], ...]]:
    """Return a request's headers as flags, those that curl reads from its input, and what they need.

    Everybody on this machine can read a program's flags. `variables` has a variable for each secret value so far.
    """
    words, secret, needs = list[Word](), list[Word](), []
    for name, value in request.headers.items():
        if _SECRET_HEADER.search(name):
            variable = "HEADER_" + re.sub("[^A-Za-z0-9]", "_", name).upper()
            if (name, value) not in variables:
                same = sum(one.startswith(variable) for one in variables.values())
                variables[name, value] = f"{variable}_{same + 1}" if same else variable
            variable = variables[name, value]
            needs.append((variable, f"the value of the header {name} in the check {check}"))
            secret.append((f"{name}: ", Variable(variable)))
        else:
            words += ["--header", f"{name}: {value}" if value else f"{name};"]
    if request.body is not None and "content-type" not in {name.lower() for name in request.headers}:
        words += ["--header", "Content-Type:"]  # curl would say that it is a form
    return [*words, *(["--header", "@-"] if secret else [])], secret, tuple(needs)


def _comparisons(check: Check, expected: Expected, base_url: BaseUrl | Variable) -> Iterator[ShellCommand]:
    """Yield the comparisons of the answer with what the check expects; grep prints the line that it finds."""
    last_line: tuple[Word, ...] = ("tail", "-n", "1")
    if check.redirect is not None:
        target = expected.with_version(check.redirect)
        where = _url(base_url, check.scheme, target) if target.startswith("/") else target
        wanted = (" ", where) if isinstance(where, str) else (" ", *where)
        yield _compared(check, f"redirects to {target}", last_line, ("grep", "-F", "-e", wanted))
    if check.redirect is None or check.status:
        status = check.status or 200
        yield _compared(check, f"has the status {status}", last_line, ("grep", "-x", f"{status} .*"))
    for text in map(expected.with_version, _texts(check.text)):
        yield _compared(check, f"contains {text!r}", ("grep", "-F", "-e", text))
    for text in map(expected.with_version, _texts(check.not_text)):
        yield _compared(check, f"does not contain {text!r}", ("grep", "-c", "-F", "-e", text), ("grep", "-x", "0"))


def _compared(check: Check, effect: str, *pipe: tuple[Word, ...]) -> ShellCommand:
    return ShellCommand(
        argv=("printf", r"%s\n", _ANSWER),
        pipe=pipe,
        object=f"the answer to {check}",
        effect=effect,
        otherwise=f"expected: the answer to {check} {effect}",
    )


def _url(base_url: BaseUrl | Variable, scheme: str, path: str) -> Word:
    return base_url.url(path) if isinstance(base_url, BaseUrl) else (f"{scheme}://", base_url, path)


def _texts(texts: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else texts or ()
