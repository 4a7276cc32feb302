"""BuildKit's status messages are decoded from protobuf and from buildx's JSON, and damage never raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.engine.builders.buildkit_status import (
    Status,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
    status_from_json,
    status_from_protobuf,
)


def _wire(**fields: bytes | int) -> bytes:
    """Return a message as BuildKit sends it: `_4` is field number 4; values are short."""
    return b"".join(
        bytes([int(name[1:]) << 3, value])
        if isinstance(value, int)
        else bytes([int(name[1:]) << 3 | 2, len(value)]) + value
        for name, value in fields.items()
    )


_START, _END = _wire(_1=1, _2=5), _wire(_1=3)  # seconds and nanoseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIRE = b"".join(
    (
        _wire(_1=_wire(_1=b"a", _2=b"base", _3=b"RUN x", _4=1, _5=_START, _6=_END, _7=b"exit code: 3", _9=b"later")),
        _wire(_2=_wire(_1=b"layer", _2=b"a", _3=b"pull", _4=5, _5=9, _6=_END, _7=_START, _8=_END)),
        _wire(_3=_wire(_1=b"a", _2=_END, _3=2, _4=b"\xff\n")),
        _wire(_4=_wire(_1=b"a", _2=1, _3=b"old", _4=b"since 2", _5=b"https://x.test")),
    )
)
_JSON = """{
"vertexes": [{"digest": "a", "inputs": ["base"], "name": "RUN x", "cached": true, "error": "exit code: 3",
    "started": "1970-01-01T00:00:01.000000005Z", "completed": "1970-01-01T01:00:03+01:00"}],
"statuses": [{"id": "layer", "vertex": "a", "name": "pull", "current": 5, "total": 9,
    "timestamp": "1970-01-01T00:00:03Z", "started": "1970-01-01T00:00:01Z", "completed": "1970-01-01T00:00:03Z"}],
"logs": [{"vertex": "a", "stream": 2, "data": "/wo=", "timestamp": "1970-01-01T00:00:03Z"}],
"warnings": [{"vertex": "a", "level": 1, "short": "b2xk", "detail": ["c2luY2UgMg=="], "url": "https://x.test",
    "range": null}]
}"""
_STARTED, _COMPLETED = _EPOCH + timedelta(seconds=1), _EPOCH + timedelta(seconds=3)
_STATUS = Status(
    vertexes=(
        Vertex(digest="a", name="RUN x", cached=True, started=_STARTED, completed=_COMPLETED, error="exit code: 3"),
    ),
    statuses=(
        VertexStatus(id="layer", vertex="a", name="pull", current=5, total=9, started=_STARTED, completed=_COMPLETED),
    ),
    logs=(VertexLog(vertex="a", stream=2, data=b"\xff\n"),),
    warnings=(VertexWarning(vertex="a", short=b"old", detail=(b"since 2",), url="https://x.test"),),
)


def test_every_field() -> None:
    """Every field is read from either form, and unknown fields are skipped."""
    assert status_from_protobuf(_WIRE) == _STATUS
    assert status_from_json(_JSON.replace("\n", " ")) == _STATUS


@settings(deadline=None)  # a busy machine must not fail the test
@given(st.binary(max_size=200), st.integers(0, len(_WIRE) - 1), st.integers(0, 255), st.integers(0, len(_WIRE)))
def test_damage_never_raises(noise: bytes, place: int, byte: int, cut: int) -> None:
    """Arbitrary bytes, and a truncated message with a changed byte, are decoded or ignored.

    A message that is cut, has text that is not UTF-8 or a time after the calendar is ignored as a whole.
    """
    damaged = _WIRE[:place] + bytes([byte]) + _WIRE[place + 1 :]
    for data in (noise, damaged[:cut]):
        assert isinstance(status_from_protobuf(data), Status | None)
    for data in (_WIRE[:-1], _wire(_1=_wire(_7=b"\xff")), _wire(_1=_wire(_5=b"\x08" + b"\xff" * 8 + b"\x7f"))):
        assert status_from_protobuf(data) is None


@pytest.mark.parametrize(
    "line",
    [
        *("ERROR: failed to build", "[1]", "{", '{"vertexes": [1, null]}', '{"logs": [{"data": "%%%"}]}'),
        *('{"vertexes": [{"started": "yesterday"}]}', '{"vertexes": [{"started": "2026-01-01T00:00:00"}]}'),
    ],
)
def test_plain_text(line: str) -> None:
    """A line that is not a status is plain text."""
    assert status_from_json(line) is None
