"""BuildKit's progress is decoded as protobuf decodes it, and no error is lost."""

from __future__ import annotations

import random
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.engine.builders.buildkit import (
    FailedVertex,
    Progress,
    Status,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
    decode_status,
)
from seatrial.events import BuildEventKind

_subject = settings(deadline=None)  # a busy machine must not fail the test
_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, list[tuple[int, str, str]]] = {
    "Timestamp": [(1, "seconds", "int64"), (2, "nanos", "int32")],
    "Vertex": [
        (1, "digest", "string"),
        (2, "inputs", "string*"),
        (3, "name", "string"),
        (4, "cached", "bool"),
        (5, "started", "Timestamp"),
        (6, "completed", "Timestamp"),
        (7, "error", "string"),
        (8, "later", "string"),  # newer engines send more fields
    ],
    "VertexStatus": [
        (1, "id", "string"),
        (2, "vertex", "string"),
        (3, "name", "string"),
        (4, "current", "int64"),
        (5, "total", "int64"),
        (6, "timestamp", "Timestamp"),
        (7, "started", "Timestamp"),
        (8, "completed", "Timestamp"),
        (99, "later", "fixed64"),
    ],
    "VertexLog": [
        (1, "vertex", "string"),
        (2, "timestamp", "Timestamp"),
        (3, "stream", "int64"),
        (4, "msg", "bytes"),
        (5, "later", "fixed32"),
    ],
    "VertexWarning": [
        (1, "vertex", "string"),
        (2, "level", "int64"),
        (3, "short", "bytes"),
        (4, "detail", "bytes*"),
        (5, "url", "string"),
        (6, "later", "Timestamp"),
    ],
    "StatusResponse": [
        (1, "vertexes", "Vertex*"),
        (2, "statuses", "VertexStatus*"),
        (3, "logs", "VertexLog*"),
        (4, "warnings", "VertexWarning*"),
    ],
}


def _oracle() -> dict[str, Any]:
    """Return protobuf's own classes for the messages above."""
    file = descriptor_pb2.FileDescriptorProto(name="status.proto", package="t", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind in fields:
            added = message.field.add(name=field, number=number)
            added.label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
            kind = kind.rstrip("*")  # noqa: PLW2901
            if kind in _MESSAGES:
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".t.{kind}"
            else:
                added.type = _FIELD.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{name}")) for name in _MESSAGES}


_ORACLE = _oracle()
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=12),
    "bytes": st.binary(max_size=12),
    "bool": st.booleans(),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "fixed64": st.integers(0, 2**64 - 1),
    "fixed32": st.integers(0, 2**32 - 1),
}


def _messages(name: str) -> st.SearchStrategy[Any]:
    def values(kind: str) -> st.SearchStrategy[Any]:
        one = _SCALARS[kind.rstrip("*")] if kind.rstrip("*") in _SCALARS else _messages(kind.rstrip("*"))
        return st.lists(one, max_size=3) if kind.endswith("*") else one

    optional = {field: values(kind) for _, field, kind in _MESSAGES[name]}
    return st.fixed_dictionaries({}, optional=optional).map(lambda given: _ORACLE[name](**given))


def _plain(message: Any) -> Any:
    """Return a protobuf message as our dataclass of the same name."""
    name = message.DESCRIPTOR.name
    if name == "Timestamp":
        return message.seconds * 1_000_000_000 + message.nanos
    values = {}
    for _, field, kind in _MESSAGES[name]:
        if field == "later":
            continue
        value = getattr(message, field)
        if kind.endswith("*"):
            value = tuple(_plain(item) if kind.rstrip("*") in _MESSAGES else item for item in value)
        elif kind in _MESSAGES:
            value = _plain(value) if message.HasField(field) else None
        values[field] = value
    kinds: dict[str, Any] = {
        "Vertex": Vertex,
        "VertexStatus": VertexStatus,
        "VertexLog": VertexLog,
        "VertexWarning": VertexWarning,
        "StatusResponse": Status,
    }
    return kinds[name](**values)


@_subject
@given(_messages("StatusResponse"))
def test_it_reads_what_protobuf_reads(message: Message) -> None:
    """Every message that protobuf writes is decoded as protobuf decodes it, with or without unknown fields."""
    assert decode_status(message.SerializeToString()) == _plain(message)


@_subject
@given(_messages("StatusResponse"), _messages("StatusResponse"))
def test_pieces_of_a_message_add_up(one: Message, two: Message) -> None:
    """Two messages in a row are one message with the fields of both, as in protobuf."""
    data = one.SerializeToString() + two.SerializeToString()
    assert decode_status(data) == _plain(_ORACLE["StatusResponse"].FromString(data))


@_subject
@given(st.binary(max_size=200))
def test_it_never_raises(data: bytes) -> None:
    """Arbitrary bytes can be decoded and reported without an exception."""
    status = decode_status(data)
    progress = Progress()
    assert isinstance(status, Status)
    progress.feed(status)
    progress.finish()
    progress.failed()


@_subject
@given(_messages("StatusResponse"), st.data())
def test_it_never_raises_on_damage(message: Message, data: st.DataObject) -> None:
    """A truncated message with a changed byte is decoded without an exception."""
    whole = bytearray(message.SerializeToString())
    if whole:
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(decode_status(bytes(whole[: data.draw(st.integers(0, len(whole)))])), Status)


def test_a_cut_message_keeps_what_came_before_the_cut() -> None:
    """The error of a vertex is read although the message ends in the middle of it."""
    whole = _ORACLE["StatusResponse"](vertexes=[{"digest": "d", "name": "RUN x", "error": "exit code: 3"}])
    cut = decode_status(whole.SerializeToString()[:-3])
    assert cut.vertexes == (Vertex(digest="d", name="RUN x", error="exit code"),)


_VERTEXES = st.builds(
    Vertex,
    digest=st.sampled_from(["", "a", "b"]),
    name=st.sampled_from(["", "x", "y"]),
    cached=st.booleans(),
    started=st.none() | st.integers(0, 9),
    completed=st.none() | st.integers(0, 9),
    error=st.sampled_from(["", "", "", "exit code: 1", "rpc: context canceled"]),
)
_STATUSES = st.lists(
    st.builds(
        Status,
        vertexes=st.lists(_VERTEXES, max_size=3).map(tuple),
        logs=st.lists(st.builds(VertexLog, vertex=st.sampled_from(["a", "c"]), msg=st.binary(max_size=5))).map(tuple),
    )
)


@_subject
@given(_STATUSES)
def test_an_error_is_never_lost(statuses: list[Status]) -> None:
    """An error is reported as an event and as the failed part, whatever comes before and after it."""
    progress = Progress()
    events = [event for status in statuses for event in progress.feed(status)]
    errors = {vertex.error for status in statuses for vertex in status.vertexes if vertex.error}
    failed = progress.failed()
    assert bool(errors) == (failed is not None)
    assert bool(errors) == any(event.kind is BuildEventKind.FAILED and event.text in errors for event in events)
    if "exit code: 1" in errors:
        assert failed is not None
        assert failed.error == "exit code: 1"
        assert any(event.text == "exit code: 1" for event in events)


@_subject
@given(_STATUSES)
def test_each_thing_is_reported_once(statuses: list[Status]) -> None:
    """Repeated statuses, which BuildKit sends, are not reported again."""
    progress = Progress()
    for status in statuses:
        progress.feed(status)
    again = [event for status in statuses for event in progress.feed(Status(vertexes=status.vertexes))]
    assert {event.kind for event in again} <= {BuildEventKind.LOG}


@_subject
@given(st.lists(st.binary(max_size=9), max_size=9))
def test_no_log_line_is_lost(pieces: list[bytes]) -> None:
    """A log in pieces has the same lines as the whole log."""
    progress = Progress()
    events = [event for piece in pieces for event in progress.feed(Status(logs=(VertexLog(vertex="a", msg=piece),)))]
    lines = [event.text for event in (*events, *progress.finish())]
    whole = b"".join(pieces).split(b"\n")
    expected = whole[:-1] + ([whole[-1]] if whole[-1] else [])
    assert lines == [line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2] for line in expected]


def _reported(progress: Progress, status: Status) -> list[tuple[str, str, str, float | None]]:
    return [(event.kind.value, event.name, event.text, event.seconds) for event in progress.feed(status)]


def test_a_console_can_print_plain_lines() -> None:
    """A part is reported as started, with logs, progress and its duration; a cached part only as cached."""
    progress = Progress()
    name = "[2/5] RUN pip install"
    assert _reported(progress, Status(vertexes=(Vertex(digest="a", name=name, inputs=("z",)),))) == []
    started = Status(
        vertexes=(
            Vertex(digest="a", started=0),
            Vertex(digest="b", name="COPY", started=0, cached=True, completed=0),
        )
    )
    assert _reported(progress, started) == [("started", name, "", None), ("cached", "COPY", "", 0.0)]
    logs = (
        VertexLog(vertex="a", stream=1, msg=b"one\ntw"),
        VertexLog(vertex="a", stream=2, msg=b"10%\r20%\n"),
    )
    assert _reported(progress, Status(logs=logs)) == [("log", name, "one", None), ("log", name, "20%", None)]
    moved = (
        VertexStatus(id="layers", vertex="a", started=0),
        VertexStatus(id="layers", vertex="a", started=0, completed=10**9),
    )
    assert _reported(progress, Status(statuses=moved)) == [("status", name, "layers", 1.0)]
    warning = VertexWarning(vertex="a", short=b"old spelling", detail=(b"since 2",), url="https://example.org")
    assert _reported(progress, Status(warnings=(warning, warning))) == [
        ("warning", name, "old spelling since 2 https://example.org", None)
    ]
    done = Status(
        vertexes=(Vertex(digest="a", name=name, started=0, completed=3 * 10**9),),
        logs=(VertexLog(vertex="a", stream=1, msg=b"o"),),
    )
    assert _reported(progress, done) == [("log", name, "two", None), ("done", name, "", 3.0)]
    assert progress.failed() is None


def test_a_failure_shows_its_last_lines() -> None:
    """The failed part has its name, the builder's error, and the last twenty lines, finished or not."""
    progress = Progress()
    count = random.randint(21, 60)
    log = b"".join(b"line %d\n" % number for number in range(count)) + b"half"
    progress.feed(
        Status(vertexes=(Vertex(digest="a", name="RUN x", started=0),), logs=(VertexLog(vertex="a", msg=log),))
    )
    progress.feed(Status(vertexes=(Vertex(digest="b", name="RUN y", error="context canceled"),)))
    progress.feed(Status(vertexes=(Vertex(digest="a", error="exit code: 3"),)))
    progress.feed(Status(vertexes=(Vertex(digest="a", completed=9), Vertex(digest="a", error="context canceled"))))
    expected = (*(f"line {number}" for number in range(count - 19, count)), "half")
    assert progress.failed() == FailedVertex(name="RUN x", error="exit code: 3", lines=expected)


@pytest.mark.parametrize("value", [Vertex(), Status(), VertexLog(), VertexStatus(), VertexWarning()])
def test_what_was_read_cannot_be_changed(value: object) -> None:
    """Decoded messages compare by value and cannot be changed."""
    assert value == type(value)()
    with pytest.raises(AttributeError):
        value.vertex = "x"  # type: ignore[attr-defined]
