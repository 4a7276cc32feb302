"""A smoke check as it stands in the settings file, and as it is put to the app."""

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
    """One smoke check as it stands in the settings file; see `Check` for what each asks."""

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
        """Refuse what no type can tell; the words begin with the key in backquotes."""
        if wrong := next(chain(self._request_problems(), self._response_problems()), None):
            raise ValueError(wrong)

    def _request_problems(self) -> Iterator[str]:
        if not re.fullmatch(r"/[^\s#]*", self.path):
            yield f"`path` {self.path!r} does not begin with / or has a blank or # in it"
        for key in ("headers", "response_headers"):
            for name, value in getattr(self, key).items():
                if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                    yield f"`{key}` {sanitize(repr(name), limit=60)} has a name or value that no header can have"
        yield from _no_json("body", self.body)

    def _response_problems(self) -> Iterator[str]:
        if self.redirect is not None and not re.fullmatch(r"(https?://[^\s/]|/)\S*", self.redirect):
            yield f"`redirect` {self.redirect!r} does not begin with / or http or has a blank in it"
        if self.redirect is not None and self.status is not None and self.status // 100 != 3:  # noqa: PLR2004  3xx
            yield f"`status` {self.status} is no redirect, and redirect asks for one"
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                yield f"`matches` is no regular expression: {error}"
        yield from _no_json("json", self.json)
        silent = [key for key in ("text", "not_text", "matches", "json") if getattr(self, key) is not None]
        if self.method == "HEAD" and silent:
            yield f"`{silent[0]}` asks for a body, and the answer to HEAD has none"


def _no_json(key: str, value: object) -> Iterator[str]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"`{key}` holds what JSON does not know ({error}): write it in quotes"


def check_of(given: CheckSettings) -> Check:
    """Return the check that the settings ask for."""
    known = {name: getattr(given, name) for name in given.__struct_fields__}
    as_json = {key: json.loads(json.dumps(known[key])) for key in ("body", "json")}
    return Check(**{**known, **as_json})
