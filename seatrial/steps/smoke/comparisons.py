"""What a check expects of a response, as commands that compare it: grep, and Python where grep has not the means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import Expected
from seatrial.model.check import VERSION_PLACEHOLDER, Check
from seatrial.model.shell import ShellCommand, Variable, Word

__all__ = ["RECEIVED", "comparisons", "url"]

RECEIVED: Final = Variable("received")
"""The folder that has the response's `body` and `headers`."""
_BODY: Final[Word] = ("", RECEIVED, "/body")
_HEADERS: Final[Word] = ("", RECEIVED, "/headers")
_ANSWER: Final[Word] = ("", Variable("answer"))
# The same as the response's own expressions for a version at the start or end of a text.
_BEFORE, _AFTER = "(^|[^[:alnum:]_.+-])v?", "($|[^[:alnum:]_.+-]|[.+]$|[.+][^[:alnum:]_])"
# The headers of a redirect come before those of the response.
_LAST_HEADERS: Final = r"/^HTTP\//h; /^HTTP\//!H; ${x;p;}"
_SEARCH: Final = (
    'import re, sys; sys.exit(not re.search(sys.argv[1], open(sys.argv[2], "rb").read().decode(errors="replace")))'
)
_JSON: Final = (
    'import json, sys; sys.tracebacklimit = 0; found = json.load(open(sys.argv[1], "rb")); sys.exit(not ({condition}))'
)


def comparisons(check: Check, expected: Expected, base_url: BaseUrl | Variable) -> Iterator[ShellCommand]:
    """Yield the comparisons of a response with what the check expects; grep prints the line that it finds.

    `$answer` is the status and a URL: where the response redirects to, or if redirects are followed where it came from.
    """
    yield from _status(check, expected, base_url)
    for name, value in check.response_headers.items():
        found = ("grep", "-i", "-e", f"^{_escaped(name)}:"), ("cut", "-d", ":", "-f", "2-")
        yield _compared(
            check,
            f"has a header {name} with {expected.with_version(value)!r}",
            ("sed", "-n", _LAST_HEADERS, _HEADERS),
            *found,
            _search(value, expected),
        )
    for text in check.texts:
        yield _compared(check, f"contains {expected.with_version(text)!r}", (*_search(text, expected), _BODY))
    for text in map(expected.with_version, check.absent_texts):
        absent = [("grep", "-c", "-F", "-e", text, _BODY), ("grep", "-x", "0")]
        if "\n" in text:
            absent = [(*_python(rf"\A(?!(?s:.*){re.escape(text)})"), _BODY)]
        yield _compared(check, f"does not contain {text!r}", *absent)
    if check.matches is not None:
        pattern = expected.pattern_of(check.matches)
        yield _compared(check, f"matches the regular expression {pattern!r}", (*_python(pattern), _BODY))
    if check.json is not None:
        wanted = expected.with_version(check.json)
        condition = " and ".join(_conditions(wanted, "found"))
        program = _JSON.format(condition=condition)
        shown = json.dumps(wanted, ensure_ascii=False)
        yield _compared(check, f"is JSON with {shown}", ("python3", "-c", program, _BODY))


def url(base_url: BaseUrl | Variable, scheme: str, path: str) -> Word:
    """Return the full URL of a path; a variable has only host and port."""
    return base_url.spoken(scheme).url(path) if isinstance(base_url, BaseUrl) else (f"{scheme}://", base_url, path)


def _status(check: Check, expected: Expected, base_url: BaseUrl | Variable) -> Iterator[ShellCommand]:
    answer = ("printf", r"%s\n", _ANSWER)
    if check.follows_redirects:
        begin = f"^{check.status or 200} "
        wanted: Word = (f"{begin}{check.scheme}://", base_url, "/") if isinstance(base_url, Variable) else ""
        if isinstance(base_url, BaseUrl):
            wanted = f"{begin}{_escaped(base_url.spoken(check.scheme).origin)}/"
        effect = f"has the status {check.status or 200}, and no redirect led to another server"
        yield _compared(check, effect, answer, ("grep", "-e", wanted))
        return
    if check.redirect is not None:
        target = expected.with_version(check.redirect)
        where = url(base_url, check.scheme, target) if target.startswith("/") else target
        command = ("cut", "-d", " ", "-f", "2-"), ("grep", "-x", "-F", "-e", where)
        yield _compared(check, f"redirects to {target}", answer, *command)
    if check.status:
        yield _compared(check, f"has the status {check.status}", answer, ("grep", "-e", f"^{check.status} "))


def _compared(check: Check, effect: str, argv: tuple[Word, ...], *pipe: tuple[Word, ...]) -> ShellCommand:
    return ShellCommand(
        argv=argv,
        pipe=pipe,
        object=f"the answer to {check}",
        effect=effect,
        otherwise=f"expected: the answer to {check} {effect}",
    )


def _search(text: str, expected: Expected) -> tuple[Word, ...]:
    """Return the command that finds a text; grep would take two lines for two texts."""
    if "\n" in text:
        return _python(expected.pattern(text))
    before, after = text.startswith(VERSION_PLACEHOLDER), text.endswith(VERSION_PLACEHOLDER)
    if before or after:
        return ("grep", "-E", "-e", f"{_BEFORE * before}{_escaped(expected.with_version(text))}{_AFTER * after}")
    return ("grep", "-F", "-e", expected.with_version(text))


def _python(pattern: str) -> tuple[Word, ...]:
    return ("python3", "-c", _SEARCH, pattern)


def _conditions(wanted: Any, place: str) -> Iterator[str]:  # noqa: ANN401  any JSON
    """Yield what must hold of the JSON at `place`, in Python; a key that is missing is an error there."""
    literal = json.dumps(wanted, ensure_ascii=False)
    if isinstance(wanted, Mapping):
        if not wanted:
            yield f"type({place}) is dict"
        for key, value in wanted.items():
            yield from _conditions(value, f"{place}[{json.dumps(key, ensure_ascii=False)}]")
    elif isinstance(wanted, list | tuple):
        yield f"type({place}) is list and len({place}) == {len(wanted)}"
        for number, value in enumerate(wanted):
            yield from _conditions(value, f"{place}[{number}]")
    elif wanted is None or isinstance(wanted, bool):
        yield f"{place} is {wanted}"
    elif wanted in (0, 1):
        yield f"{place} == {literal} and type({place}) is not bool"
    else:
        yield f"{place} == {literal}"


def _escaped(text: str) -> str:
    """Return the expression that finds a text, for grep with and without -E."""
    return re.sub(r"[.*+?(){}|$\[]", r"[\g<0>]", re.sub(r"[\\^]", r"\\\g<0>", text))
