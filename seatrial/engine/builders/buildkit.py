"""The progress of a BuildKit build: its status messages, turned into events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from seatrial.engine.builders.buildkit_status import Status, Vertex, VertexLog, VertexStatus, VertexWarning
from seatrial.events import BuildEvent, BuildEventKind

__all__ = ["LAST_LINES", "FailedVertex", "Progress"]

LAST_LINES: Final = 20
_LONGEST_LINE: Final = 64 * 1024
_ENDS: Final = frozenset({BuildEventKind.FAILED, BuildEventKind.CACHED, BuildEventKind.DONE})


class FailedVertex(Struct, frozen=True, kw_only=True):
    """The part of the build that failed: its name, the builder's error, and its last lines of output."""

    name: str
    error: str
    lines: tuple[str, ...] = ()


class _Track(Struct, kw_only=True, eq=False):
    """What is known of one vertex so far, and what was reported about it."""

    vertex: Vertex
    reported: set[BuildEventKind] = set()
    reported_error: str = ""
    ended: set[str] = set()
    warnings: set[bytes] = set()
    partial: dict[int, bytes] = {}
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    @property
    def name(self) -> str:
        return self.vertex.name or self.vertex.digest


class Progress:
    """The state of one build, updated by each status message."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}
        self._failed: list[_Track] = []

    def feed(self, status: Status) -> tuple[BuildEvent, ...]:
        """Return what is new in a status, in the order to print it; nothing is reported twice."""
        # Names first, and logs before ends: a status may hold log lines of a vertex that it also completes.
        for vertex in status.vertexes:
            track = self._track(vertex.digest)
            track.vertex = _merged(track.vertex, vertex)
            if vertex.error and track not in self._failed:
                self._failed.append(track)
        updated = [self._track(vertex.digest) for vertex in status.vertexes]
        events = [event for track in updated for event in _start_events(track)]
        for log in status.logs:
            events += _log_events(self._track(log.vertex), log)
        for piece in status.statuses:
            events += _progress_events(self._track(piece.vertex), piece)
        for warning in status.warnings:
            events += _warning_events(self._track(warning.vertex), warning)
        return (*events, *(event for track in updated for event in _end_events(track)))

    def finish(self) -> tuple[BuildEvent, ...]:
        """Return the output that did not end with a line end; call this once, after the last status."""
        return tuple(event for track in self._tracks.values() for event in _flush_events(track))

    def failed(self) -> FailedVertex | None:
        """Return the part that failed, or None; a part that failed by itself is preferred to a cancelled one."""
        track = next((track for track in self._failed if not _cancelled(track.vertex.error)), None)
        track = track or next(iter(self._failed), None)
        if track is None:
            return None
        unfinished = [_line(text) for text in track.partial.values() if text]
        lines = (*track.lines, *unfinished)[-LAST_LINES:]
        return FailedVertex(name=track.name, error=track.vertex.error, lines=lines)

    def _track(self, digest: str) -> _Track:
        return self._tracks.setdefault(digest, _Track(vertex=Vertex(digest=digest)))


def _cancelled(error: str) -> bool:
    return "context canceled" in error


def _merged(old: Vertex, new: Vertex) -> Vertex:
    """Return the old vertex updated by the new one; empty fields do not overwrite, and a real error stays."""
    keep = old.error and (not new.error or (_cancelled(new.error) and not _cancelled(old.error)))
    return Vertex(
        digest=old.digest,
        name=new.name or old.name,
        cached=new.cached or old.cached,
        started=new.started or old.started,
        completed=new.completed or old.completed,
        error=old.error if keep else new.error,
    )


def _seconds(started: datetime | None, completed: datetime | None) -> float | None:
    return max(0.0, (completed - started).total_seconds()) if started and completed else None


def _start_events(track: _Track) -> Iterator[BuildEvent]:
    vertex = track.vertex
    if (
        (vertex.started is not None or vertex.error)
        and BuildEventKind.STARTED not in track.reported
        and not vertex.cached
    ):
        track.reported.add(BuildEventKind.STARTED)
        yield BuildEvent(kind=BuildEventKind.STARTED, name=track.name)


def _end_events(track: _Track) -> Iterator[BuildEvent]:
    vertex = track.vertex
    seconds = _seconds(vertex.started, vertex.completed)
    if vertex.error:
        if vertex.error == track.reported_error:
            return  # a failure is reported even after the part has completed, and again if its error changes
        track.reported_error = vertex.error
        kind = BuildEventKind.FAILED
    elif (vertex.cached or vertex.completed is not None) and not track.reported & _ENDS:
        kind = BuildEventKind.CACHED if vertex.cached else BuildEventKind.DONE
    else:
        return
    yield from _flush_events(track)
    track.reported.add(kind)
    yield BuildEvent(kind=kind, name=track.name, text=vertex.error, seconds=seconds)


def _log_events(track: _Track, log: VertexLog) -> Iterator[BuildEvent]:
    *lines, rest = (track.partial.pop(log.stream, b"") + log.data).split(b"\n")
    if len(rest) > _LONGEST_LINE:
        lines, rest = [*lines, rest], b""  # a process that never ends its line must not fill the memory
    track.partial[log.stream] = rest
    for line in lines:
        yield _log_event(track, line)


def _flush_events(track: _Track) -> Iterator[BuildEvent]:
    for stream in list(track.partial):
        if rest := track.partial.pop(stream):
            yield _log_event(track, rest)


def _log_event(track: _Track, line: bytes) -> BuildEvent:
    track.lines.append(_line(line))
    return BuildEvent(kind=BuildEventKind.LOG, name=track.name, text=track.lines[-1])


def _line(line: bytes) -> str:
    """Return the line as a terminal shows it in the end: text after a carriage return overwrites the line."""
    return line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]


def _progress_events(track: _Track, piece: VertexStatus) -> Iterator[BuildEvent]:
    name = piece.id or piece.name
    ended = piece.completed is not None
    if name in track.ended or (not ended and piece.current == 0):
        return
    if ended:
        track.ended.add(name)
    yield BuildEvent(
        kind=BuildEventKind.STATUS,
        name=track.name,
        text=name,
        seconds=_seconds(piece.started, piece.completed),
        current=piece.current,
        total=piece.total,
    )


def _warning_events(track: _Track, warning: VertexWarning) -> Iterator[BuildEvent]:
    if warning.short not in track.warnings:
        track.warnings.add(warning.short)
        parts = [part.decode("utf-8", "replace").strip() for part in (warning.short, *warning.detail)]
        text = " ".join(part for part in [*parts, warning.url] if part)
        yield BuildEvent(kind=BuildEventKind.WARNING, name=track.name, text=text)
