"""A smoke check: one request to the app, and the response it must get."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field
from msgspec.structs import force_setattr

from seatrial.errors import sanitize
from seatrial.model.setting_types import Seconds, Text, Validated, about

__all__ = ["VERSION_PLACEHOLDER", "Check", "checks_digest"]

VERSION_PLACEHOLDER = "{version}"
"""What stands for the version under test in a check's texts."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_Status = Annotated[int, Meta(ge=100, le=599)]
_Texts = Text | tuple[Text, ...] | None


class Check(Validated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HTTP request to the app, and the response it must get; or a command in an image that serves nothing.

    A field that is None or empty checks nothing. In every field `{version}` stands for the version under test.
    `checks.http.response` says how each is compared.
    """

    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], about("the request's method")
    ] = "GET"
    path: Annotated[str, about("the path, and a query if there is one")] = "/"
    scheme: Annotated[
        Literal["http", "https"], about("https for an app that serves TLS itself, with any certificate")
    ] = "http"
    headers: Annotated[Mapping[str, str], about("headers of the request")] = field(default_factory=dict)
    body: Annotated[Any, about("the body of the request: a text is sent as it is, anything else as JSON")] = None
    status: Annotated[_Status | None, about("the response's status; default: 200, with redirect any 3xx")] = None
    text: Annotated[_Texts, about("what the body contains; one text or several")] = None
    not_text: Annotated[_Texts, about("what the body does not contain; one text or several")] = None
    matches: Annotated[Text | None, about("a regular expression that is searched in the body")] = None
    json: Annotated[Any, about("a subset of the response's JSON")] = None
    response_headers: Annotated[Mapping[str, str], about("headers, and what their values contain")] = field(
        default_factory=dict
    )
    redirect: Annotated[str | None, about("where the response's Location points")] = None
    within: Annotated[Seconds | None, about("seconds for this one response, once the app is ready")] = None
    command: Annotated[
        tuple[Text, ...],
        about("instead of a request, for an image that serves nothing: what is run in it and must exit with 0"),
    ] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for what the types cannot check; the message begins with the key in backquotes."""
        if problem := next(chain(self._command_problems(), self._request_problems(), self._response_problems()), None):
            raise ValueError(problem)
        for key in ("body", "json"):  # JSON has lists and keys that are text
            force_setattr(self, key, json.loads(json.dumps(getattr(self, key))))

    def __str__(self) -> str:
        return shlex.join(self.command) if self.command else f"{self.method} {self.path}"

    @property
    def follows_redirects(self) -> bool:
        """Whether redirects are followed: on the same origin, unless `redirect` or a 3xx `status` is set."""
        return self.redirect is None and (self.status or 200) // 100 != 3  # noqa: PLR2004  3xx

    @property
    def uses_version(self) -> bool:
        """Whether any field contains `{version}`."""
        return VERSION_PLACEHOLDER in json.dumps(msgspec.to_builtins(self), ensure_ascii=False)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the body contains."""
        return _as_tuple(self.text)

    @property
    def absent_texts(self) -> tuple[str, ...]:
        """What the body does not contain."""
        return _as_tuple(self.not_text)

    @property
    def of_the_body(self) -> tuple[str, ...]:
        """The names of the fields that are set and need the response's body."""
        return tuple(key for key in ("text", "not_text", "matches", "json") if getattr(self, key) is not None)

    def _command_problems(self) -> Iterator[str]:
        if not self.command:
            return
        plain = msgspec.structs.asdict(Check())
        for key, value in msgspec.structs.asdict(self).items():
            if key != "command" and value != plain[key]:
                yield f"`{key}` is about a request, and a check with a command sends none"

    def _request_problems(self) -> Iterator[str]:
        if not re.fullmatch(r"/[^\s#]*", self.path):
            yield f"`path` {self.path!r} is not a valid path: it begins with / and has no spaces and no #"
        for key in ("headers", "response_headers"):
            for name, value in getattr(self, key).items():
                if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                    yield f"`{key}` {sanitize(repr(name), limit=60)} is not a valid header name or has an invalid value"
        yield from _json_problems("body", self.body)

    def _response_problems(self) -> Iterator[str]:
        if self.redirect is not None and not re.fullmatch(r"(https?://[^\s/]|/)\S*", self.redirect):
            yield f"`redirect` {self.redirect!r} is not a valid target: it begins with / or http and has no spaces"
        if self.redirect is not None and self.status is not None and self.status // 100 != 3:  # noqa: PLR2004  3xx
            yield f"`status` {self.status} contradicts redirect, which needs a 3xx status"
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                yield f"`matches` is not a valid regular expression: {error}"
        yield from _json_problems("json", self.json)
        if self.method == "HEAD" and self.of_the_body:
            yield f"`{self.of_the_body[0]}` needs a response body, and a response to HEAD has none"


def checks_digest(checks: tuple[Check, ...]) -> str:
    """Return one digest of all checks; a verdict stores it to record which checks the image passed."""
    text = json.dumps(msgspec.to_builtins(checks), sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _as_tuple(texts: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts or ())


def _json_problems(key: str, value: object) -> Iterator[str]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"`{key}` contains a value that JSON cannot hold ({error}): write it in quotes"
