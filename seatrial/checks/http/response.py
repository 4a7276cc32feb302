"""Compare an HTTP response with what a check expects.

Expected JSON is a subset: each key of an expected object must be there with a matching value. Lists have the same
length and match item by item. Everything else must be equal; true is not 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from msgspec import Struct

from seatrial.checks.http.base_url import BaseUrl
from seatrial.engine.model import Image
from seatrial.errors import sanitize
from seatrial.model.app import VERSION_LABEL, Check
from seatrial.model.check import VERSION_PLACEHOLDER
from seatrial.model.version import UNVERSIONED
from seatrial.wording import prefixed_digest

__all__ = ["LARGEST_BODY", "Expected", "Response", "problem_with"]

LARGEST_BODY = 1024 * 1024
"""The most bytes of a body that are read."""
_CHARSET = re.compile(r"""charset=["']?([\w.:-]+)""", re.IGNORECASE)
_ANY_VERSION = r"([0-9A-Za-z_](?:[\w.+-]*\w)?)"
# Version 1 is not found in 1.4, 2.1, 1-rc or 1+dirty; it is found in v1 and in "this is 1."
_BEFORE, _AFTER = r"(?<![\w.+-])v?", r"(?![\w-]|[.+]\w)"


class Response(Struct, frozen=True, kw_only=True):
    """A response: status, up to 1 MiB of the body (`cut` if there was more), and headers by their lowercase names.

    `ended` is whether the whole body came in time; a `stream` of events need not end. `url` is the full URL it came
    from and `location` the full URL it redirects to. `redirect_error` says why a redirect was not followed.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    cut: bool = False
    ended: bool = True
    stream: bool = False
    url: str = ""
    location: str | None = None
    redirect_error: str | None = None

    @property
    def text(self) -> str:
        """The body, decoded by the charset that its Content-Type declares, else as UTF-8."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            return self.body.decode(found[1] if found else "utf-8", "replace")
        except (LookupError, ValueError):  # no such charset, or one that is no text
            return self.body.decode("utf-8", "replace")


class Expected(Struct, frozen=True, kw_only=True):
    """The version that should answer, and the id of its image if it is known."""

    version: str
    image: str | None = None

    @classmethod
    def of(cls, image: Image) -> Expected:
        """Return what to expect of a container of an image."""
        return cls(version=image.labels.get(VERSION_LABEL, UNVERSIONED), image=image.id)

    def __str__(self) -> str:
        return f"version {self.version}" + (f" of image {prefixed_digest(self.image)}" if self.image else "")

    def with_version(self, value: Any) -> Any:  # noqa: ANN401  any JSON
        """Return a value with every `{version}` in it replaced by the version."""
        if isinstance(value, str):
            return value.replace(VERSION_PLACEHOLDER, self.version)
        if isinstance(value, Mapping):
            return {self.with_version(key): self.with_version(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.with_version(item) for item in value]
        return value

    def pattern(self, text: str) -> str:
        """Return the regular expression that finds a text with its version, and no longer one at its start or end."""
        return self._bounded(text, re.escape(self.with_version(text)))

    def pattern_of(self, expression: str) -> str:
        """Return a regular expression with its version, which may not be part of a longer one at its start or end."""
        return self._bounded(expression, expression.replace(VERSION_PLACEHOLDER, re.escape(self.version)))

    @staticmethod
    def _bounded(written: str, pattern: str) -> str:
        before = _BEFORE if written.startswith(VERSION_PLACEHOLDER) else ""
        after = _AFTER if written.endswith(VERSION_PLACEHOLDER) else ""
        return f"{before}{pattern}{after}"

    def other_version(self, wanted: str, found: str) -> str | None:
        """Return the problem if `found` matches `wanted` but for another version in the place of `{version}`."""
        before, version, after = wanted.partition(VERSION_PLACEHOLDER)
        if not version or not (before or after):
            return None
        match = re.search(f"{re.escape(before)}{_ANY_VERSION}{re.escape(self.with_version(after))}", found)
        return f"expected {self}, got {sanitize(match[1], limit=80)}" if match else None


def problem_with(check: Check, response: Response, expected: Expected, base_url: BaseUrl) -> str | None:
    """Return what is wrong with a response, or None."""
    return next(_problems(check, response, expected, base_url), None)


def _problems(check: Check, response: Response, expected: Expected, base_url: BaseUrl) -> Iterator[str]:
    if response.redirect_error:
        yield response.redirect_error
    if problem := _status_problem(check, response):
        yield problem
    if check.redirect is not None:
        target, named = expected.with_version(check.redirect), base_url.named(check.headers)
        wanted = [one.resolve(one.url("/"), one.url(target)) for one in (base_url, named)]
        if response.location not in wanted:
            yield f"it redirects to {sanitize(str(response.location), limit=200)}, expected {wanted[0]}"
    if response.cut:
        yield f"the body is larger than {LARGEST_BODY:,} bytes"
    for name, value in check.response_headers.items():
        yield from _header_problems(name, value, response, expected)
    yield from _body_problems(check, response, expected)


def _body_problems(check: Check, response: Response, expected: Expected) -> Iterator[str]:
    if not response.ended and not response.stream:
        yield f"the answer does not end: {len(response.body):,} bytes of its body came in time"
    body = response.text
    problems = _text_problems(check, body, expected)
    if check.json is not None:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            problems = chain(problems, [f"the body is not valid JSON; it begins {_beginning(body)}"])
        else:
            problems = chain(problems, _json_problems(check.json, found, "$", expected))
    for problem in problems:
        yield problem if response.ended else f"{problem}; the answer does not end: it is a stream"


def _text_problems(check: Check, body: str, expected: Expected) -> Iterator[str]:
    for text in check.texts:
        wanted = expected.with_version(text)
        if not re.search(expected.pattern(text), body):
            general = f"the body does not contain {wanted!r}; it begins {_beginning(body)}"
            yield _version_problem(text, body, expected) or general
    for text in check.absent_texts:
        if (unwanted := expected.with_version(text)) in body:
            yield f"the body contains {unwanted!r}; it begins {_beginning(body)}"
    if check.matches is not None and not re.search(expected.pattern_of(check.matches), body):
        shown = check.matches.replace(VERSION_PLACEHOLDER, re.escape(expected.version))
        yield f"the body does not match {shown!r}; it begins {_beginning(body)}"


def _status_problem(check: Check, response: Response) -> str | None:
    if check.status is None and check.redirect is not None:
        if response.location is not None:
            return None
        wanted = f"a redirect to {check.redirect}"
    elif response.status == (check.status or 200):
        return None
    else:
        wanted = str(check.status or 200)
    if response.location:
        return f"status {response.status} (to {sanitize(response.location, limit=100)}), expected {wanted}"
    return f"status {response.status}, expected {wanted}; the body begins {_beginning(response.text, limit=500)}"


def _header_problems(name: str, value: str, response: Response, expected: Expected) -> Iterator[str]:
    found, wanted = response.headers.get(name.lower()), expected.with_version(value)
    if found is None:
        yield f"there is no header {name}, expected one with {wanted!r}"
    elif not re.search(expected.pattern(value), found):
        general = f"the header {name} is {sanitize(found, limit=120)!r}, expected one with {wanted!r}"
        yield _version_problem(value, found, expected) or general


def _version_problem(wanted: str, found: str, expected: Expected) -> str | None:
    """Return the problem if the text differs from what is wanted only in its version, else None."""
    if other := expected.other_version(wanted, found):
        return other
    if wanted.strip() == VERSION_PLACEHOLDER:
        return f"expected {expected}, got {_beginning(found)}"
    return None


def _json_problems(wanted: Any, found: Any, place: str, expected: Expected) -> Iterator[str]:  # noqa: ANN401  any JSON
    """Yield each place where the JSON does not match, in the order of the expected value."""
    if isinstance(wanted, Mapping) and isinstance(found, dict):
        for raw, value in wanted.items():
            key = expected.with_version(raw)
            if key in found:
                yield from _json_problems(value, found[key], f"{place}.{key}", expected)
            else:
                wanted = _shown(expected.with_version(value))
                yield f"the JSON has no {place}.{key}, expected {wanted}; it is {_shown(found)}"
    elif isinstance(wanted, list | tuple) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _json_problems(one, other, f"{place}[{number}]", expected)
    elif not _equal(expected.with_version(wanted), found):
        if isinstance(wanted, str) and VERSION_PLACEHOLDER in wanted:
            other = expected.other_version(wanted, found) if isinstance(found, str) else None
            got = found if isinstance(found, str) else json.dumps(found)
            yield other or f"expected {expected}, got {sanitize(got, limit=120)}"
        else:
            yield f"the JSON holds {_shown(found)} at {place}, expected {_shown(expected.with_version(wanted))}"


def _equal(wanted: Any, found: Any) -> bool:  # noqa: ANN401  any JSON
    return isinstance(wanted, bool) == isinstance(found, bool) and bool(wanted == found)


def _shown(value: Any) -> str:  # noqa: ANN401  any JSON
    return sanitize(json.dumps(value, ensure_ascii=False), limit=120)


def _beginning(body: str, *, limit: int = 120) -> str:
    return repr(" ".join(sanitize(body, limit=limit + 80).split())[:limit])
