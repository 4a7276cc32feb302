"""BuildKit's progress is reported completely: no error and no line of output is lost."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.engine.builders.buildkit import FailedVertex, Progress
from seatrial.engine.builders.buildkit_status import Status, Vertex, VertexLog, VertexStatus, VertexWarning
from seatrial.events import BuildEventKind

_subject = settings(deadline=None, max_examples=50)  # a busy machine must not fail the test
_START = datetime(2026, 1, 1, tzinfo=UTC)
_TIMES = st.none() | st.integers(0, 9).map(lambda seconds: _START + timedelta(seconds=seconds))
_VERTEXES = st.builds(
    Vertex,
    digest=st.sampled_from(["", "a", "b"]),
    name=st.sampled_from(["", "x", "y"]),
    cached=st.booleans(),
    started=_TIMES,
    completed=_TIMES,
    error=st.sampled_from(["", "", "", "exit code: 1", "rpc: context canceled"]),
)
_STATUSES = st.lists(
    st.builds(
        Status,
        vertexes=st.lists(_VERTEXES, max_size=3).map(tuple),
        logs=st.lists(st.builds(VertexLog, vertex=st.sampled_from(["a", "c"]), data=st.binary(max_size=5))).map(tuple),
    )
)


@_subject
@given(_STATUSES)
def test_an_error_is_never_lost(statuses: list[Status]) -> None:
    """An error is reported as an event and as the failed part, and a status that BuildKit repeats is not reported."""
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
    again = [event for status in statuses for event in progress.feed(Status(vertexes=status.vertexes))]
    assert {event.kind for event in again} <= {BuildEventKind.LOG}


@_subject
@given(st.lists(st.binary(max_size=9), max_size=9))
def test_no_log_line_is_lost(pieces: list[bytes]) -> None:
    """A log in pieces has the same lines as the whole log."""
    progress = Progress()
    events = [event for piece in pieces for event in progress.feed(Status(logs=(VertexLog(vertex="a", data=piece),)))]
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
    assert _reported(progress, Status(vertexes=(Vertex(digest="a", name=name),))) == []
    started = Status(
        vertexes=(
            Vertex(digest="a", started=_START),
            Vertex(digest="b", name="COPY", started=_START, cached=True, completed=_START),
        )
    )
    assert _reported(progress, started) == [("started", name, "", None), ("cached", "COPY", "", 0.0)]
    logs = (
        VertexLog(vertex="a", stream=1, data=b"one\ntw"),
        VertexLog(vertex="a", stream=2, data=b"10%\r20%\n"),
    )
    assert _reported(progress, Status(logs=logs)) == [("log", name, "one", None), ("log", name, "20%", None)]
    moved = (
        VertexStatus(id="layers", vertex="a", started=_START),
        VertexStatus(id="layers", vertex="a", started=_START, completed=_START + timedelta(seconds=1)),
    )
    assert _reported(progress, Status(statuses=moved)) == [("status", name, "layers", 1.0)]
    warning = VertexWarning(vertex="a", short=b"old spelling", detail=(b"since 2",), url="https://example.org")
    assert _reported(progress, Status(warnings=(warning, warning))) == [
        ("warning", name, "old spelling since 2 https://example.org", None)
    ]
    done = Status(
        vertexes=(Vertex(digest="a", name=name, started=_START, completed=_START + timedelta(seconds=3)),),
        logs=(VertexLog(vertex="a", stream=1, data=b"o"),),
    )
    assert _reported(progress, done) == [("log", name, "two", None), ("done", name, "", 3.0)]
    assert progress.failed() is None


def test_a_failure_shows_its_last_lines() -> None:
    """The failed part has its name, the builder's error, and the last twenty lines, finished or not."""
    progress = Progress()
    count = random.randint(21, 60)
    log = b"".join(b"line %d\n" % number for number in range(count)) + b"half"
    progress.feed(
        Status(vertexes=(Vertex(digest="a", name="RUN x", started=_START),), logs=(VertexLog(vertex="a", data=log),))
    )
    progress.feed(Status(vertexes=(Vertex(digest="b", name="RUN y", error="context canceled"),)))
    progress.feed(Status(vertexes=(Vertex(digest="a", error="exit code: 3"),)))
    progress.feed(Status(vertexes=(Vertex(digest="a", completed=_START), Vertex(digest="a", error="context canceled"))))
    expected = (*(f"line {number}" for number in range(count - 19, count)), "half")
    assert progress.failed() == FailedVertex(name="RUN x", error="exit code: 3", lines=expected)
