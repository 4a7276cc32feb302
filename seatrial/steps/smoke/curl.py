"""Checks as requests by curl."""

from __future__ import annotations

import math
import re

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import request_for
from seatrial.checks.http.request import MOST_REDIRECTS, Request
from seatrial.checks.http.response import Expected
from seatrial.model.app import App
from seatrial.model.check import Check
from seatrial.model.shell import ShellCommand, Variable, Word
from seatrial.steps.smoke.comparisons import RECEIVED, comparisons, url

__all__ = ["curl_checks"]

_REQUEST_SECONDS = 10
_FIRST_ERROR = 400
# Headers whose values let somebody in.
_SECRET_HEADER = re.compile("authorization|cookie|token|key|secret|password", re.IGNORECASE)
_GLOB = re.compile(r"[\[\]{}]")  # curl would make several URLs of it


def curl_checks(app: App, expected: Expected, base_url: BaseUrl | Variable) -> tuple[ShellCommand, ...]:
    """Return an app's checks as commands.

    `base_url` is where the app is, or the variable that holds its host and port. The first request is repeated until
    the app answers, or its time is up.
    """
    commands: list[ShellCommand] = []
    variables = dict[tuple[str, str], str]()
    for number, check in enumerate(app.checks):
        commands += [
            _request(app, check, expected, base_url, variables, wait=number == 0),
            *comparisons(check, expected, base_url),
        ]
    if not any(check.of_the_body or check.response_headers for check in app.checks):
        return tuple(commands)
    folder: Word = ("", RECEIVED)
    cleanup: tuple[Word, ...] = ("rm", "-r", folder)
    what = "a temporary folder"
    make = ShellCommand(
        argv=("mktemp", "-d"), saves=RECEIVED.name, object=what, effect="gets what the app answers", cleanup=cleanup
    )
    return (make, *commands, ShellCommand(argv=cleanup, object=what, effect="is removed"))


def _request(  # noqa: PLR0913  each argument is one thing
    app: App,
    check: Check,
    expected: Expected,
    base_url: BaseUrl | Variable,
    variables: dict[tuple[str, str], str],
    *,
    wait: bool,
) -> ShellCommand:
    """Return the request of a check; it saves the status and a URL, and keeps headers and body if they are compared."""
    words: list[Word] = ["curl", "--silent", "--show-error"]
    words += ["--fail"] if (check.status or 200) < _FIRST_ERROR else []
    words += ["--location", "--max-redirs", str(MOST_REDIRECTS)] if check.follows_redirects else []
    if not isinstance(base_url, BaseUrl) or not base_url.deployed:
        words += ["--noproxy", "*", *(["--insecure"] if check.scheme == "https" else [])]
    words += ["--max-time", f"{check.within or _REQUEST_SECONDS:g}"]
    if wait:
        seconds = str(math.ceil(app.smoke_timeout))
        words += ["--retry", seconds, "--retry-delay", "1", "--retry-max-time", seconds, "--retry-all-errors"]
    request = request_for(check, expected)
    usual = "GET" if request.body is None else "POST"
    words += [] if request.method == usual else {"HEAD": ["--head"]}.get(request.method, ["--request", request.method])
    words += ["--globoff"] if _GLOB.search(request.path) else []
    words += ["--path-as-is"] if "/." in request.path else []
    headers, secret, needs = _headers(check, request, variables)
    words += headers
    words += [] if request.body is None else ["--data-raw", request.body.decode()]
    words += ["--dump-header", ("", RECEIVED, "/headers")] if check.response_headers else []
    words += ["--output", ("", RECEIVED, "/body") if check.of_the_body else "/dev/null"]
    where = "%{url_effective}" if check.follows_redirects else "%{redirect_url}"
    curl = (*words, "--write-out", f"%{{http_code}} {where}", url(base_url, check.scheme, request.path))
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
