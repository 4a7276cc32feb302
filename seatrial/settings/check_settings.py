"""A smoke check in the settings file, validated and turned into a `Check`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec

from seatrial.errors import sanitize
from seatrial.model.app import Check

__all__ = ["CheckSettings", "check_of"]

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
Text = Annotated[str, msgspec.Meta(min_length=1)]


class CheckSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One smoke check as written in the settings file; `Check` explains the fields."""

    method: Method = "GET"
    path: str = "/"
    headers: dict[str, str] = {}
    body: Any = None
    status: Annotated[int, msgspec.Meta(ge=100, le=599)] | None = None
    text: Text | tuple[Text, ...] | None = None
    not_text: Text | tuple[Text, ...] | None = None
    matches: Text | None = None
    json: Any = None
    response_headers: dict[str, str] = {}
    redirect: str | None = None
    within: Annotated[float, msgspec.Meta(gt=0, le=86400)] | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for what the types cannot check; the message begins with the key in backquotes."""
        if problem := next(chain(self._request_problems(), self._response_problems()), None):
            raise ValueError(problem)

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
        needs_body = [key for key in ("text", "not_text", "matches", "json") if getattr(self, key) is not None]
        if self.method == "HEAD" and needs_body:
            yield f"`{needs_body[0]}` needs a response body, and a response to HEAD has none"


def _json_problems(key: str, value: object) -> Iterator[str]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"`{key}` contains a value that JSON cannot hold ({error}): write it in quotes"


def check_of(given: CheckSettings) -> Check:
    """Return the `Check` that these settings describe."""
    fields = {name: getattr(given, name) for name in given.__struct_fields__}
    as_json = {key: json.loads(json.dumps(fields[key])) for key in ("body", "json")}
    return Check(**{**fields, **as_json})
