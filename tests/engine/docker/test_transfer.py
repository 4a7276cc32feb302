"""The engine's progress stream: whatever it holds, the push goes on, or is broken off as a lost one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from docker.errors import StreamParseError

from seatrial.engine.docker.transfer import follow_transfer
from seatrial.engine.messages import read_messages
from seatrial.events import Event, Transfer
from seatrial.model.reference import ImageReference

DONE = {"status": "Pushed", "id": "layer", "progressDetail": {}}
ODD: tuple[Any, ...] = (
    None,
    [DONE],
    7,
    "text",
    {"aux": 5, "progressDetail": "x"},
    {"id": "layer", "status": None, "progressDetail": {"current": "a", "total": -1}},
    {"id": ["layer"], "status": "Pushing", "progressDetail": {"current": 1e300, "total": [2]}},
    {"id": "layer", "status": "Pushing", "progressDetail": {"current": float("inf"), "total": float("nan")}},
    "x" * 50_000_000,
)


def test_odd_messages() -> None:
    """Any JSON value is survived, in whatever pieces it comes; a message that is far too long is left out."""
    lines = b"".join(json.dumps(one).encode() + b"\r\n" for one in (*ODD, DONE, {"aux": {"Digest": "sha256:1"}}))
    events: list[Event] = []

    stream = read_messages(lines[at : at + 65536] for at in range(0, len(lines), 65536))
    digest = follow_transfer(stream, ImageReference.parse("r.io/shop/web:1"), "push", None, events.append)

    assert digest == "sha256:1"
    assert events[-1] == Transfer(layer="layer", current=0, total=None, text="Pushed")
    assert all(isinstance(one, Transfer) and (one.current, one.total) == (0, None) for one in events)


@pytest.mark.parametrize("line", [b"<html>", b"[" * 100_000, b'{"status": '])
def test_what_is_not_json(line: bytes) -> None:
    """Anything but JSON breaks the stream off, and the registry decides."""
    with pytest.raises(StreamParseError):
        list(read_messages([line]))
