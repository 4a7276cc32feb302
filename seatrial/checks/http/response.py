"""An answer over HTTP, and what is wrong with it in the eyes of a check.

JSON is held against a subset: every key of a wanted object must be there with a fitting value, lists are equally long
and fit item by item, everything else is equal; true is not 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.checks.http.base_url import BaseUrl
from seatrial.engine.model import Image
from seatrial.errors import sanitize
from seatrial.model.app import VERSION_LABEL, Check
from seatrial.model.version import UNVERSIONED

__all__ = ["LARGEST_BODY", "Expected", "Response", "problem_with"]

LARGEST_BODY = 1024 * 1024
"""So many bytes of a body are read, and no more."""
_VERSION = "{version}"
_LIKE_A_VERSION = r"([0-9A-Za-z_](?:[\w.+-]*\w)?)"
# 1 does not stand in 1.4, 2.1, 1-rc or 1+dirty; it does in v1 and in "this is 1."
_BEFORE, _AFTER = r"(?<![\w.+-])v?", r"(?![\w-]|[.+]\w)"


@dataclass(frozen=True, kw_only=True)
class Response:
    """What came back: the status, the body up to 1 MiB (`cut` when there was more), headers by their lowercase names.

    `url` is where it came from and `location` where it redirects, both whole. `redirect_error` says in words why a
    redirect
    that should be followed was not.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    url: str = ""
    location: str | None = None
    redirect_error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Who should be answering: a version, and the id of its image where we know it."""

    version: str
    image: str | None = None

    @classmethod
    def of(cls, image: Image) -> Expected:
        """Return who answers where an image runs."""
        return cls(version=image.labels.get(VERSION_LABEL, UNVERSIONED), image=image.id)

    def __str__(self) -> str:
        return f"version {self.version}" + (f" of image {self.image[:19]}" if self.image else "")

    def with_version(self, value: Any) -> Any:  # noqa: ANN401  any JSON
        """Return a value with the version in every `{version}`."""
        if isinstance(value, str):
            return value.replace(_VERSION, self.version)
        if isinstance(value, Mapping):
            return {self.with_version(key): self.with_version(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.with_version(item) for item in value]
        return value

    def other_version(self, wanted: str, found: str) -> str | None:
        """Say which other version stands in `found` where `wanted` has `{version}`, or nothing when none does."""
        before, version, after = wanted.partition(_VERSION)
        if not version or not (before or after):
            return None
        there = re.search(f"{re.escape(before)}{_LIKE_A_VERSION}{re.escape(self.with_version(after))}", found)
        return f"expected {self}, got {sanitize(there[1], limit=80)}" if there else None


def problem_with(check: Check, response: Response, expected: Expected, base_url: BaseUrl) -> str | None:
    """Say what is wrong with an answer, or nothing."""
    return next(_problems(check, response, expected, base_url), None)


def _problems(check: Check, response: Response, expected: Expected, base_url: BaseUrl) -> Iterator[str]:
    if response.redirect_error:
        yield response.redirect_error
    if wrong := _wrong_status(check, response):
        yield wrong
    if check.redirect is not None:
        wanted = base_url.resolve(base_url.url("/"), base_url.url(expected.with_version(check.redirect)))
        if response.location != wanted:
            yield f"it redirects to {sanitize(str(response.location), limit=200)}, expected {wanted}"
    if response.cut:
        yield f"the body is larger than {LARGEST_BODY:,} bytes"
    for name, value in check.response_headers.items():
        yield from _header_problems(name, value, response, expected)
    body = response.body.decode("utf-8", "replace")
    yield from _text_problems(check, body, expected)
    if check.json is not None:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            yield f"the body is no JSON; it begins {_beginning(body)}"
        else:
            yield from _misfits(check.json, found, "$", expected)


def _text_problems(check: Check, body: str, expected: Expected) -> Iterator[str]:
    for text in _several(check.text):
        wanted = expected.with_version(text)
        if not _stands_in(body, text, re.escape(wanted)):
            came = f"the body does not contain {wanted!r}; it begins {_beginning(body)}"
            yield _unlike(text, body, expected) or came
    for text in _several(check.not_text):
        if (unwanted := expected.with_version(text)) in body:
            yield f"the body contains {unwanted!r}; it begins {_beginning(body)}"
    if check.matches is not None:
        pattern = check.matches.replace(_VERSION, re.escape(expected.version))
        if not _stands_in(body, check.matches, pattern):
            yield f"the body does not match {pattern!r}; it begins {_beginning(body)}"


def _stands_in(found: str, wanted: str, pattern: str) -> bool:
    """Return whether a pattern is found, and no longer version where what is wanted begins or ends with one."""
    edged = f"{_BEFORE * wanted.startswith(_VERSION)}{pattern}{_AFTER * wanted.endswith(_VERSION)}"
    return re.search(edged, found) is not None


def _wrong_status(check: Check, response: Response) -> str | None:
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
    body = response.body.decode("utf-8", "replace")
    return f"status {response.status}, expected {wanted}; the body begins {_beginning(body, limit=500)}"


def _header_problems(name: str, value: str, response: Response, expected: Expected) -> Iterator[str]:
    found, wanted = response.headers.get(name.lower()), expected.with_version(value)
    if found is None:
        yield f"there is no header {name}, expected one with {wanted!r}"
    elif not _stands_in(found, value, re.escape(wanted)):
        came = f"the header {name} is {sanitize(found, limit=120)!r}, expected one with {wanted!r}"
        yield _unlike(value, found, expected) or came


def _unlike(wanted: str, found: str, expected: Expected) -> str | None:
    """Say that a text is as wanted but for its version, or nothing."""
    if other := expected.other_version(wanted, found):
        return other
    if wanted.strip() == _VERSION:
        return f"expected {expected}, got {_beginning(found)}"
    return None


def _misfits(wanted: Any, found: Any, place: str, expected: Expected) -> Iterator[str]:  # noqa: ANN401  any JSON
    """Yield where JSON does not fit, the first place first."""
    if isinstance(wanted, Mapping) and isinstance(found, dict):
        for raw, value in wanted.items():
            key = expected.with_version(raw)
            if key in found:
                yield from _misfits(value, found[key], f"{place}.{key}", expected)
            else:
                wanted = _shown(expected.with_version(value))
                yield f"the JSON has no {place}.{key}, expected {wanted}; it is {_shown(found)}"
    elif isinstance(wanted, list | tuple) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _misfits(one, other, f"{place}[{number}]", expected)
    elif not _equal(expected.with_version(wanted), found):
        if isinstance(wanted, str) and _VERSION in wanted:
            other = expected.other_version(wanted, found) if isinstance(found, str) else None
            got = found if isinstance(found, str) else json.dumps(found)
            yield other or f"expected {expected}, got {sanitize(got, limit=120)}"
        else:
            yield f"the JSON holds {_shown(found)} at {place}, expected {_shown(expected.with_version(wanted))}"


def _equal(wanted: Any, found: Any) -> bool:  # noqa: ANN401  any JSON
    return isinstance(wanted, bool) == isinstance(found, bool) and bool(wanted == found)


def _several(texts: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts or ())


def _shown(value: Any) -> str:  # noqa: ANN401  any JSON
    return sanitize(json.dumps(value, ensure_ascii=False), limit=120)


def _beginning(body: str, *, limit: int = 120) -> str:
    return repr(" ".join(sanitize(body, limit=limit + 80).split())[:limit])
