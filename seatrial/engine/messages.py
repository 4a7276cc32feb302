"""The engine's streams of messages, each a JSON value on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

__all__ = ["read_messages"]

_LONGEST = 4 * 1024 * 1024


def read_messages(chunks: Iterable[bytes], *, longest: int = _LONGEST) -> Iterator[Any]:
    """Yield the JSON values of a progress stream, one on each line; raise `StreamParseError` for anything else.

    A line of more than `longest` bytes, which is longer than any message of an engine, is left out.
    """
    line = bytearray()
    for chunk in chain(chunks, [b"\n"]):
        first, *others = chunk.split(b"\n")
        line += first[: longest + 1 - len(line)]
        for other in others:
            if line.strip() and len(line) <= longest:
                yield _message(bytes(line))
            line = bytearray(other[: longest + 1])


def _message(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        from docker.errors import StreamParseError

        raise StreamParseError(error) from error
