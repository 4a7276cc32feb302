"""BuildKit's progress: its status messages, from the engine's protobuf and from docker buildx's JSON.

The fields are those of moby/buildkit's `api/services/control/control.proto`, whose numbers never change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from seatrial.engine.builders.protobuf import message_classes

if TYPE_CHECKING:  # loaded only while building
    from google.protobuf.message import Message

__all__ = ["Status", "Vertex", "VertexLog", "VertexStatus", "VertexWarning", "status_from_json", "status_from_protobuf"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
# The fields that are read, as in the .proto file; protobuf skips all others.
_MESSAGES: Final = {
    "Vertex": """
        string digest = 1; string name = 3; bool cached = 4; string error = 7;
        google.protobuf.Timestamp started = 5; google.protobuf.Timestamp completed = 6""",
    "VertexStatus": """
        string id = 1; string vertex = 2; string name = 3; int64 current = 4; int64 total = 5;
        google.protobuf.Timestamp started = 7; google.protobuf.Timestamp completed = 8""",
    "VertexLog": "string vertex = 1; int64 stream = 3; bytes data = 4",
    "VertexWarning": "string vertex = 1; bytes short = 3; repeated bytes detail = 4; string url = 5",
    "Status": """
        repeated Vertex vertexes = 1; repeated VertexStatus statuses = 2;
        repeated VertexLog logs = 3; repeated VertexWarning warnings = 4""",
}


class Vertex(msgspec.Struct, frozen=True, kw_only=True):
    """The last known state of a part of the build; a time is None until it is reached."""

    digest: str = ""
    name: str = ""
    cached: bool = False
    started: _Time | None = None
    completed: _Time | None = None
    error: str = ""


class VertexStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of a part of a vertex's work, in bytes for transfers (`total` is 0 if unknown)."""

    id: str = ""
    vertex: str = ""
    name: str = ""
    current: int = 0
    total: int = 0
    started: _Time | None = None
    completed: _Time | None = None


class VertexLog(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a vertex's output; pieces may end inside a line."""

    vertex: str = ""
    stream: int = 0
    data: bytes = b""


class VertexWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A warning about a vertex, such as a deprecated spelling."""

    vertex: str = ""
    short: bytes = b""
    detail: tuple[bytes, ...] = ()
    url: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the stream: the changes since the previous one."""

    vertexes: tuple[Vertex, ...] = ()
    statuses: tuple[VertexStatus, ...] = ()
    logs: tuple[VertexLog, ...] = ()
    warnings: tuple[VertexWarning, ...] = ()


_DECODER = msgspec.json.Decoder(Status)


def status_from_json(line: str) -> Status | None:
    """Return the status in a line of docker buildx's `--progress=rawjson`, or None if the line is anything else."""
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError:
        return None


def status_from_protobuf(data: bytes) -> Status | None:
    """Return the status in a StatusResponse, or None if the bytes are damaged."""
    from google.protobuf import message

    try:
        return _status(_status_class().FromString(data))
    except (message.DecodeError, OverflowError):
        return None


def _status(found: Any) -> Status:
    # Field by field: protobuf's own conversion to a dictionary takes many times as long, and a build may print a lot.
    return Status(
        vertexes=tuple(
            Vertex(
                digest=one.digest,
                name=one.name,
                cached=one.cached,
                started=_time(one, "started"),
                completed=_time(one, "completed"),
                error=one.error,
            )
            for one in found.vertexes
        ),
        statuses=tuple(
            VertexStatus(
                id=one.id,
                vertex=one.vertex,
                name=one.name,
                current=one.current,
                total=one.total,
                started=_time(one, "started"),
                completed=_time(one, "completed"),
            )
            for one in found.statuses
        ),
        logs=tuple(VertexLog(vertex=one.vertex, stream=one.stream, data=one.data) for one in found.logs),
        warnings=tuple(
            VertexWarning(vertex=one.vertex, short=one.short, detail=tuple(one.detail), url=one.url)
            for one in found.warnings
        ),
    )


def _time(found: Any, field: str) -> datetime | None:
    if not found.HasField(field):
        return None
    time = getattr(found, field)
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1000)


@cache
def _status_class() -> type[Message]:
    return message_classes(_MESSAGES)["Status"]
