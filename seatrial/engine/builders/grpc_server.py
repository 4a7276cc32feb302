"""A gRPC server on one connection that is already open: HTTP/2 as in gRPC's own description of it.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote, unquote_plus

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event, RequestReceived, StreamReset
from h2.exceptions import ProtocolError

__all__ = ["Call", "CallFailed", "Code", "GrpcServer", "Metadata", "Wire"]

Metadata = Mapping[str, list[str]]
"""The values of a call's headers, by name."""

_READ = 256 * 1024
_HEAD = 5  # of a message: whether it is compressed, and its length
_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
_ENCODED = "-encoded"  # BuildKit's mark on the name of a header whose values are quoted


class Code(IntEnum):
    """How a call ends."""

    OK = 0
    UNKNOWN = 2
    NOT_FOUND = 5
    UNIMPLEMENTED = 12


class CallFailed(Exception):  # noqa: N818  an answer to the engine, no error of ours
    """The call ends with this code and message."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class Wire(Protocol):
    """An open connection."""

    def read(self, most: int) -> bytes:
        """Wait for bytes and return them; none at the end."""
        ...

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        ...


class Call(Protocol):
    """One call of a method. Both functions may raise `CallFailed`, also while their answer is read."""

    done: bool
    """Whether no answer follows those that were returned."""

    def opened(self) -> Iterable[bytes]:
        """Return the messages to send before anything is received."""
        ...

    def received(self, message: bytes) -> Iterable[bytes]:
        """Return the messages to send in answer; they are read one by one, as the connection takes them."""
        ...


@dataclass(kw_only=True, eq=False)
class _Stream:
    """A call, what was received of its next message, and what is still to be sent."""

    call: Call
    incoming: bytearray = field(default_factory=bytearray)
    answers: deque[Iterator[bytes]] = field(default_factory=deque)
    outgoing: bytearray = field(default_factory=bytearray)
    failure: CallFailed | None = None

    def take(self, data: bytes) -> None:
        """Take received bytes and give the call each message that is complete."""
        self.incoming += data
        while len(self.incoming) >= _HEAD:
            end = _HEAD + int.from_bytes(self.incoming[1:_HEAD])
            if len(self.incoming) < end:
                return
            message = bytes(self.incoming[_HEAD:end])
            del self.incoming[:end]
            self.answer(partial(self.call.received, message))

    def answer(self, messages: Callable[[], Iterable[bytes]]) -> None:
        """Add what a function of the call returns to what is to be sent."""
        if self.failure:
            return
        try:
            self.answers.append(iter(messages()))
        except CallFailed as failure:
            self.failure = failure

    def fill(self, size: int) -> None:
        """Read the answers until `size` bytes are there to be sent."""
        try:
            while len(self.outgoing) < size and self.answers and not self.failure:
                if (message := next(self.answers[0], None)) is None:
                    self.answers.popleft()
                else:
                    self.outgoing += b"\0" + len(message).to_bytes(_HEAD - 1) + message
        except CallFailed as failure:
            self.failure = failure

    @property
    def complete(self) -> bool:
        """Whether everything was sent but the end."""
        return not self.outgoing and (self.failure is not None or (self.call.done and not self.answers))


class GrpcServer:
    """Answers calls until the connection ends, in one thread; `methods` maps paths to what makes a call."""

    def __init__(self, wire: Wire, methods: Mapping[str, Callable[[Metadata], Call]]) -> None:
        self._wire = wire
        self._methods = methods
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._streams: dict[int, _Stream] = {}

    def serve(self) -> None:
        """Answer calls; return at the end of the connection, and raise `OSError` if it breaks."""
        try:
            self._http.initiate_connection()
            self._flush()
            while (data := self._wire.read(_READ)) and self._take_all(self._http.receive_data(data)):
                for number in list(self._streams):
                    self._send(number)
                self._flush()
        except ProtocolError as error:
            raise ConnectionError(f"the engine does not speak HTTP/2 as expected: {error}") from error

    def _flush(self) -> None:
        if data := self._http.data_to_send():
            self._wire.write(data)

    def _take_all(self, events: Iterable[Event]) -> bool:
        """Take what was received; return whether the connection goes on."""
        for event in events:
            if isinstance(event, ConnectionTerminated):
                return False
            self._take(event)
        return True

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._open(event.stream_id, event.headers)
        elif isinstance(event, StreamReset):
            self._streams.pop(event.stream_id, None)
        elif isinstance(event, DataReceived):
            if stream := self._streams.get(event.stream_id):
                stream.take(event.data)
            if event.flow_controlled_length:
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def _open(self, number: int, headers: Iterable[Any]) -> None:
        metadata: dict[str, list[str]] = {}
        for name, value in headers:
            metadata.setdefault(name, []).append(value)
        make = self._methods.get(metadata[":path"][0])
        if make is None:
            self._http.send_headers(number, [*_HEADERS, ("grpc-status", str(int(Code.UNIMPLEMENTED)))], end_stream=True)
            return
        self._http.send_headers(number, _HEADERS)
        stream = self._streams[number] = _Stream(call=make(_decoded(metadata)))
        stream.answer(stream.call.opened)

    def _send(self, number: int) -> None:
        """Send as much of a call's answers as the connection takes now."""
        stream = self._streams[number]
        while (room := self._http.local_flow_control_window(number)) > 0:
            stream.fill(room)
            if not stream.outgoing:
                break
            chunk = bytes(stream.outgoing[: min(room, self._http.max_outbound_frame_size)])
            del stream.outgoing[: len(chunk)]
            self._http.send_data(number, chunk)
        if stream.complete:
            del self._streams[number]
            failure = stream.failure or CallFailed(Code.OK, "")
            status = [("grpc-status", str(int(failure.code))), ("grpc-message", quote(str(failure), safe=" "))]
            self._http.send_headers(number, status, end_stream=True)


def _decoded(metadata: Metadata) -> Metadata:
    """Return the headers with values as they were before BuildKit quoted them."""
    return {
        name: [unquote_plus(value) for value in values] if f"{name}{_ENCODED}" in metadata else values
        for name, values in metadata.items()
    }
