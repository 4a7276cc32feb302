"""BuildKit's progress, read without a protobuf library: each message is a table of field numbers.

The tables are those of moby/buildkit's `api/services/control/control.proto`, whose numbers never change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

__all__ = ["Status", "Vertex", "VertexLog", "VertexStatus", "VertexWarning", "decode_status"]

_LONGEST_VARINT: Final = 10
_VARINT, _BYTES = 0, 2
_FIXED: Final = {1: 8, 5: 4}


@dataclass(frozen=True, kw_only=True)
class Vertex:
    """The last known state of a part of the build; times are nanoseconds since 1970, None until they happen."""

    digest: str = ""
    inputs: tuple[str, ...] = ()
    name: str = ""
    cached: bool = False
    started: int | None = None
    completed: int | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class VertexStatus:
    """The progress of a part of a vertex's work, in bytes for transfers (`total` is 0 if unknown)."""

    id: str = ""
    vertex: str = ""
    name: str = ""
    current: int = 0
    total: int = 0
    timestamp: int | None = None
    started: int | None = None
    completed: int | None = None


@dataclass(frozen=True, kw_only=True)
class VertexLog:
    """A piece of a vertex's output; pieces may end inside a line."""

    vertex: str = ""
    timestamp: int | None = None
    stream: int = 0
    msg: bytes = b""


@dataclass(frozen=True, kw_only=True)
class VertexWarning:
    """A warning about a vertex, such as a deprecated spelling."""

    vertex: str = ""
    level: int = 0
    short: bytes = b""
    detail: tuple[bytes, ...] = ()
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    """One message of the stream: the changes since the previous one."""

    vertexes: tuple[Vertex, ...] = ()
    statuses: tuple[VertexStatus, ...] = ()
    logs: tuple[VertexLog, ...] = ()
    warnings: tuple[VertexWarning, ...] = ()


_Values = list[int | bytes]
_M = TypeVar("_M")


def decode_status(data: bytes) -> Status:
    """Return the readable part of a StatusResponse; damaged bytes end the reading and never raise."""
    return _message(Status, data)


def _fields(data: bytes) -> dict[int, _Values]:
    """Return the values of each field up to the message's end, or to the first invalid byte."""
    found: dict[int, _Values] = {}
    position = 0
    while 0 <= position < len(data):
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if position < 0 or number == 0:
            break
        if wire in _FIXED:
            position += _FIXED[wire]  # no field that is read here has a fixed width
            continue
        if wire not in {_VARINT, _BYTES}:
            break
        value, position = _varint(data, position)
        if position < 0:
            break
        if wire == _VARINT:
            found.setdefault(number, []).append(value)
        else:
            # A message that was cut short still holds the start of its last field, and that may be the error.
            found.setdefault(number, []).append(data[position : position + value])
            position += value
    return found


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number and the position after it; -1 if the number does not end."""
    value = 0
    for index, byte in enumerate(data[position : position + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + index + 1
    return 0, -1


def _integer(values: _Values) -> int:
    value = next((value for value in reversed(values) if isinstance(value, int)), 0)
    return value - (1 << 64) if value >> 63 else value


def _boolean(values: _Values) -> bool:
    return _integer(values) != 0


def _all_bytes(values: _Values) -> tuple[bytes, ...]:
    return tuple(value for value in values if isinstance(value, bytes))


def _bytes(values: _Values) -> bytes:
    return next(reversed(_all_bytes(values)), b"")


def _text(values: _Values) -> str:
    return _bytes(values).decode("utf-8", "replace")


def _texts(values: _Values) -> tuple[str, ...]:
    return tuple(value.decode("utf-8", "replace") for value in _all_bytes(values))


def _time(values: _Values) -> int | None:
    parts = _all_bytes(values)
    if not parts:
        return None
    timestamp = _fields(b"".join(parts))  # protobuf's rule: a message that comes in pieces is one message
    return _integer(timestamp.get(1, [])) * 1_000_000_000 + _integer(timestamp.get(2, []))


def _messages(kind: type[_M]) -> Callable[[_Values], tuple[_M, ...]]:
    return lambda values: tuple(_message(kind, value) for value in _all_bytes(values))


def _message(kind: type[_M], data: bytes) -> _M:
    found = _fields(data)
    table = _TABLES[kind]
    return kind(**{name: read(found[number]) for number, (name, read) in table.items() if number in found})


_TABLES: Final[Mapping[type[Any], Mapping[int, tuple[str, Callable[[_Values], Any]]]]] = {
    Status: {
        1: ("vertexes", _messages(Vertex)),
        2: ("statuses", _messages(VertexStatus)),
        3: ("logs", _messages(VertexLog)),
        4: ("warnings", _messages(VertexWarning)),
    },
    Vertex: {
        1: ("digest", _text),
        2: ("inputs", _texts),
        3: ("name", _text),
        4: ("cached", _boolean),
        5: ("started", _time),
        6: ("completed", _time),
        7: ("error", _text),
    },
    VertexStatus: {
        1: ("id", _text),
        2: ("vertex", _text),
        3: ("name", _text),
        4: ("current", _integer),
        5: ("total", _integer),
        6: ("timestamp", _time),
        7: ("started", _time),
        8: ("completed", _time),
    },
    VertexLog: {
        1: ("vertex", _text),
        2: ("timestamp", _time),
        3: ("stream", _integer),
        4: ("msg", _bytes),
    },
    VertexWarning: {
        1: ("vertex", _text),
        2: ("level", _integer),
        3: ("short", _bytes),
        4: ("detail", _all_bytes),
        5: ("url", _text),
    },
}
