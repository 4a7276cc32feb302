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

from seatrial.checks.http.base_url import Site
from seatrial.engine.model import Image
from seatrial.errors import cleaned
from seatrial.model.app import VERSION_LABEL, Check
from seatrial.model.version import UNVERSIONED

__all__ = ["LARGEST_BODY", "Answer", "Expected", "problem_with"]

LARGEST_BODY = 1024 * 1024
"""So many bytes of a body are read, and no more."""
_VERSION = "{version}"
_LIKE_A_VERSION = r"([0-9A-Za-z_](?:[\w.+-]*\w)?)"
# 1 does not stand in 1.4, 2.1, 1-rc or 1+dirty; it does in v1 and in "this is 1."
_BEFORE, _AFTER = r"(?<![\w.+-])v?", r"(?![\w-]|[.+]\w)"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the status, the body up to 1 MiB (`cut` when there was more), headers by their lowercase names.

    `url` is where it came from and `leads_to` where it redirects, both whole. `astray` says in words why a redirect
    that should be followed was not.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    url: str = ""
    leads_to: str | None = None
    astray: str | None = None


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Who should be answering: a version, and the id of its image where we know it."""

    version: str
    image: str | None = None

    @classmethod
    def of(cls, image: Image) -> Expected:
        """Give who answers where an image runs."""
        return cls(version=image.labels.get(VERSION_LABEL, UNVERSIONED), image=image.id)

    def __str__(self) -> str:
        return f"version {self.version}" + (f" of image {self.image[:19]}" if self.image else "")

    def filled(self, value: Any) -> Any:  # noqa: ANN401  any JSON
        """Give a value with the version in every `{version}`."""
        if isinstance(value, str):
            return value.replace(_VERSION, self.version)
        if isinstance(value, Mapping):
            return {self.filled(key): self.filled(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.filled(item) for item in value]
        return value

    def another(self, wanted: str, found: str) -> str | None:
        """Say which other version stands in `found` where `wanted` has `{version}`, or nothing when none does."""
        before, version, after = wanted.partition(_VERSION)
        if not version or not (before or after):
            return None
        there = re.search(f"{re.escape(before)}{_LIKE_A_VERSION}{re.escape(self.filled(after))}", found)
        return f"expected {self}, got {cleaned(there[1], limit=80)}" if there else None


def problem_with(check: Check, answer: Answer, expected: Expected, site: Site) -> str | None:
    """Say what is wrong with an answer, or nothing."""
    return next(_problems(check, answer, expected, site), None)


def _problems(check: Check, answer: Answer, expected: Expected, site: Site) -> Iterator[str]:
    if answer.astray:
        yield answer.astray
    if wrong := _wrong_status(check, answer):
        yield wrong
    if check.redirect is not None:
        wanted = site.led_to(site.url("/"), site.url(expected.filled(check.redirect)))
        if answer.leads_to != wanted:
            yield f"it redirects to {cleaned(str(answer.leads_to), limit=200)}, expected {wanted}"
    if answer.cut:
        yield f"the body is larger than {LARGEST_BODY:,} bytes"
    for name, value in check.answer_headers.items():
        yield from _header_problems(name, value, answer, expected)
    body = answer.body.decode("utf-8", "replace")
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
        wanted = expected.filled(text)
        if not _stands_in(body, text, re.escape(wanted)):
            came = f"the body does not contain {wanted!r}; it begins {_beginning(body)}"
            yield _unlike(text, body, expected) or came
    for text in _several(check.not_text):
        if (unwanted := expected.filled(text)) in body:
            yield f"the body contains {unwanted!r}; it begins {_beginning(body)}"
    if check.matches is not None:
        pattern = check.matches.replace(_VERSION, re.escape(expected.version))
        if not _stands_in(body, check.matches, pattern):
            yield f"the body does not match {pattern!r}; it begins {_beginning(body)}"


def _stands_in(found: str, wanted: str, pattern: str) -> bool:
    """Whether a pattern is found, and no longer version where what is wanted begins or ends with one."""
    edged = f"{_BEFORE * wanted.startswith(_VERSION)}{pattern}{_AFTER * wanted.endswith(_VERSION)}"
    return re.search(edged, found) is not None


def _wrong_status(check: Check, answer: Answer) -> str | None:
    if check.status is None and check.redirect is not None:
        if answer.leads_to is not None:
            return None
        wanted = f"a redirect to {check.redirect}"
    elif answer.status == (check.status or 200):
        return None
    else:
        wanted = str(check.status or 200)
    if answer.leads_to:
        return f"status {answer.status} (to {cleaned(answer.leads_to, limit=100)}), expected {wanted}"
    body = answer.body.decode("utf-8", "replace")
    return f"status {answer.status}, expected {wanted}; the body begins {_beginning(body, limit=500)}"


def _header_problems(name: str, value: str, answer: Answer, expected: Expected) -> Iterator[str]:
    found, wanted = answer.headers.get(name.lower()), expected.filled(value)
    if found is None:
        yield f"there is no header {name}, expected one with {wanted!r}"
    elif not _stands_in(found, value, re.escape(wanted)):
        came = f"the header {name} is {cleaned(found, limit=120)!r}, expected one with {wanted!r}"
        yield _unlike(value, found, expected) or came


def _unlike(wanted: str, found: str, expected: Expected) -> str | None:
    """Say that a text is as wanted but for its version, or nothing."""
    if other := expected.another(wanted, found):
        return other
    if wanted.strip() == _VERSION:
        return f"expected {expected}, got {_beginning(found)}"
    return None


def _misfits(wanted: Any, found: Any, place: str, expected: Expected) -> Iterator[str]:  # noqa: ANN401  any JSON
    """Give where JSON does not fit, the first place first."""
    if isinstance(wanted, Mapping) and isinstance(found, dict):
        for raw, value in wanted.items():
            key = expected.filled(raw)
            if key in found:
                yield from _misfits(value, found[key], f"{place}.{key}", expected)
            else:
                yield f"the JSON has no {place}.{key}, expected {_shown(expected.filled(value))}; it is {_shown(found)}"
    elif isinstance(wanted, list | tuple) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _misfits(one, other, f"{place}[{number}]", expected)
    elif not _equal(expected.filled(wanted), found):
        if isinstance(wanted, str) and _VERSION in wanted:
            other = expected.another(wanted, found) if isinstance(found, str) else None
            got = found if isinstance(found, str) else json.dumps(found)
            yield other or f"expected {expected}, got {cleaned(got, limit=120)}"
        else:
            yield f"the JSON holds {_shown(found)} at {place}, expected {_shown(expected.filled(wanted))}"


def _equal(wanted: Any, found: Any) -> bool:  # noqa: ANN401  any JSON
    return isinstance(wanted, bool) == isinstance(found, bool) and bool(wanted == found)


def _several(texts: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts or ())


def _shown(value: Any) -> str:  # noqa: ANN401  any JSON
    return cleaned(json.dumps(value, ensure_ascii=False), limit=120)


def _beginning(body: str, *, limit: int = 120) -> str:
    return repr(" ".join(cleaned(body, limit=limit + 80).split())[:limit])
