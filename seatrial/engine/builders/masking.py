"""The values of build arguments and build secrets, masked in everything that a builder says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from msgspec.structs import replace

from seatrial.engine.builders.buildkit import FailedVertex
from seatrial.engine.model import BuildRequest
from seatrial.errors import SeatrialError
from seatrial.events import BuildEvent
from seatrial.host.regular_files import read_regular_file
from seatrial.settings.variables import variables

__all__ = ["Mask"]

_MASK: Final = "***"
_SHORTEST: Final = 4
_NOT_SECRET: Final = frozenset({"BASE_IMAGE", "SOURCE_DATE_EPOCH", "VERSION"})  # Seatrial gives these itself


class Mask:
    """Mask the values of a request's build arguments and build secrets, but no words of its Dockerfile."""

    def __init__(self, request: BuildRequest) -> None:
        dockerfile = request.content.decode("utf-8", "replace")
        values = {part.strip() for value in _values(request) for part in (value, *value.splitlines())}
        hidden = {value for value in values if len(value) >= _SHORTEST and not _is_word_of(value, dockerfile)}
        forms = {form for value in hidden for form in _forms(value)}
        self._pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def text(self, text: str) -> str:
        """Return a text with `***` instead of each value."""
        return self._pattern.sub(_MASK, text) if self._pattern else text

    def event(self, event: BuildEvent) -> BuildEvent:
        """Return an event without the values."""
        if self._pattern is None:
            return event
        return replace(event, name=self.text(event.name), text=self.text(event.text))

    def failed(self, failed: FailedVertex | None) -> FailedVertex | None:
        """Return a failed part of a build without the values."""
        if failed is None:
            return None
        lines = tuple(map(self.text, failed.lines))
        return FailedVertex(name=self.text(failed.name), error=self.text(failed.error), lines=lines)

    def error(self, error: SeatrialError) -> SeatrialError:
        """Return an error without the values in its reason."""
        return error.but(reason=self.text(error.reason))


def _values(request: BuildRequest) -> Iterator[str]:
    options = request.options
    yield from (value for name, value in options.arguments.items() if name not in _NOT_SECRET)
    for source in options.secrets.values():
        kind, _, place = source.partition("=")
        text = variables().get(place, "") if kind == "env" else _content(Path(place))
        yield text
        # Of a file with names and values, the values alone, too.
        yield from (match[1] for match in re.finditer(r"""[=:]\s*["']?([^\s"',]+)""", text))


def _content(path: Path) -> str:
    try:
        return read_regular_file(path).decode("utf-8", "replace")
    except OSError:
        return ""  # the builder cannot read it either


def _forms(value: str) -> set[str]:
    """Return the ways in which a builder may write a value: as it is, quoted for Go or a shell, or in a URL."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]} | {
        shlex.quote(value).strip("'"),
        quote(value, safe=""),
        quote_plus(value),
    }


def _is_word_of(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None
