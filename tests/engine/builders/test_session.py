"""A session of BuildKit: gRPC on an open connection, and a build context as the engine reads it there."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived

from seatrial.engine.builders.file_sync import Entry, FileSync, context_entries, select
from seatrial.engine.builders.grpc_server import Call, Code, GrpcServer, Metadata
from seatrial.engine.builders.protobuf import message_classes
from seatrial.engine.model import BuildRequest
from seatrial.errors import SeatrialError
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.sources.context import Context
from seatrial.sources.inputs import FileDigests

# Written down again, from fsutil's own .proto files: names are bytes, as a file system has them.
PACKET = message_classes(
    {
        "Stat": "bytes path = 1; uint32 mode = 2; uint32 uid = 3; uint32 gid = 4; int64 size = 5; int64 modTime = 6;"
        "bytes linkname = 7",
        "Packet": "int32 type = 1; Stat stat = 2; uint32 ID = 3; bytes data = 4",
    }
)["Packet"]
STAT, REQ, DATA, FIN = range(4)
OLD = 1_600_000_000


class Engine:
    """The engine's side of a session, which calls the methods of the other side."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._http = H2Connection()
        self._http.initiate_connection()

    def call(
        self,
        path: str,
        answer: Callable[[bytes], Sequence[bytes]] = lambda _: (),
        first: Sequence[bytes] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[list[bytes], Code]:
        """Call a method with the `first` messages; send what `answer` returns for each message that comes back."""
        number = self._http.get_next_available_stream_id()
        headers = {":method": "POST", ":path": path, ":scheme": "http", ":authority": "localhost", **(metadata or {})}
        self._http.send_headers(number, list(headers.items()))
        self._send(number, first)
        messages, code, rest = [], Code.OK, b""
        while True:
            self._connection.sendall(self._http.data_to_send())
            for event in self._http.receive_data(self._connection.recv(65536)):
                if isinstance(event, DataReceived):
                    self._http.acknowledge_received_data(event.flow_controlled_length, number)
                    rest += event.data
                    while len(rest) >= 5 and len(rest) >= (end := 5 + int.from_bytes(rest[1:5])):
                        messages.append(rest[5:end])
                        rest = rest[end:]
                        self._send(number, answer(messages[-1]))
                elif isinstance(event, (ResponseReceived, TrailersReceived)):
                    found = dict(event.headers)
                    code = Code(int(found.get(b"grpc-status", code)))
                elif isinstance(event, StreamEnded):
                    assert not rest
                    return messages, code

    def _send(self, number: int, messages: Sequence[bytes]) -> None:
        for message in messages:
            self._http.send_data(number, b"\0" + len(message).to_bytes(4) + message)


@contextmanager
def engine_of(methods: Mapping[str, Callable[[Metadata], Call]]) -> Iterator[Engine]:
    """An engine that is connected to a server of these methods."""
    ours, theirs = socket.socketpair()

    class Wire:
        def read(self, most: int) -> bytes:
            return ours.recv(most)

        def write(self, data: bytes) -> None:
            ours.sendall(data)

    server = threading.Thread(target=GrpcServer(Wire(), methods).serve)
    server.start()
    try:
        theirs.settimeout(10)
        yield Engine(theirs)
    finally:
        theirs.close()
        server.join(10)
        ours.close()
    assert not server.is_alive()


def _request(folder: Path) -> BuildRequest:
    context = Context.read(folder, folder / "Dockerfile")
    return BuildRequest(
        reference=ImageReference.parse("app:1"),
        context=context,
        dockerfile=folder / "Dockerfile",
        content=b"FROM scratch\n",
        options=BuildOptions(),
        labels={},
        digests=FileDigests().of(context),
    )


def _entries(folder: Path) -> dict[str, Entry]:
    return {os.fsdecode(one.path): one for one in context_entries(_request(folder), lambda _: None)}


class Receiver:
    """What fsutil does: it takes the list, asks for files, and ends the transfer when it has them."""

    def __init__(self, wanted: Callable[[Any], bool]) -> None:
        self.listed: list[Any] = []
        self.contents: dict[str, bytes] = {}
        self._wanted = wanted
        self._open: set[int] = set()
        self._complete = False

    def take(self, message: bytes) -> list[bytes]:
        """Return the answer to a message."""
        packet: Any = PACKET.FromString(message)
        answers = []
        if packet.type == STAT and packet.HasField("stat"):
            self.listed.append(packet.stat)
            if not packet.stat.mode >> 9 and self._wanted(packet.stat):
                self._open.add(len(self.listed) - 1)
                self.contents[os.fsdecode(packet.stat.path)] = b""
                answers.append(PACKET(type=REQ, ID=len(self.listed) - 1).SerializeToString())
        elif packet.type == STAT:
            self._complete = True
        elif packet.type == DATA and packet.data:
            self.contents[os.fsdecode(self.listed[packet.ID].path)] += packet.data
        elif packet.type == DATA:
            self._open.remove(packet.ID)
        if self._complete and not self._open and packet.type != FIN:
            answers.append(PACKET(type=FIN).SerializeToString())
        return answers


def _transfer(
    request: BuildRequest, wanted: Callable[[Any], bool] = lambda _: True
) -> tuple[Receiver, Code, list[SeatrialError], list[str]]:
    receiver, errors, grown = Receiver(wanted), list[SeatrialError](), list[str]()
    entries = context_entries(request, grown.append)
    with engine_of({"/sync": lambda _: FileSync(entries, errors.append)}) as engine:
        _, code = engine.call("/sync", receiver.take)
    return receiver, code, errors, grown


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files of many sizes and names, links, and an empty folder."""
    for name in ("a/b", "a-b", "a.b", "a0", "ü", "Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "none").write_bytes(b"")
    (tmp_path / "large").write_bytes(os.urandom(3_000_000))  # more than the connection takes at once
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("a/nowhere")
    (tmp_path / "a-b").chmod(0o750)
    return tmp_path


def test_file_sync(folder: Path) -> None:
    """Everything is listed in fsutil's order, with fixed modes, root as the owner and its own time; then it is sent."""
    receiver, code, errors, grown = _transfer(_request(folder))

    assert (code, errors, grown) == (Code.OK, [], [])
    names = ["Dockerfile", "a", "a/b", "a-b", "a.b", "a0", "empty", "large", "link", "none", "ü"]
    assert [os.fsdecode(one.path) for one in receiver.listed] == names
    listed = dict(zip(names, receiver.listed, strict=True))
    for name, one in listed.items():
        status = (folder / name).lstat()
        assert one.modTime // 10**9 == status.st_mtime_ns // 10**9
        assert (one.uid, one.gid) == (0, 0)
        assert one.size == (0 if stat.S_ISDIR(status.st_mode) else status.st_size)
    assert {name: oct(listed[name].mode) for name in ("a", "a/b", "a-b", "link")} == {
        "a": oct(1 << 31 | 0o755),
        "a/b": "0o644",
        "a-b": "0o755",
        "link": oct(1 << 27 | 0o777),
    }
    assert listed["link"].linkname == b"a/nowhere"
    assert receiver.contents == {name: (folder / name).read_bytes() for name in receiver.contents}
    assert set(names) - set(receiver.contents) == {"a", "empty", "link"}


def test_only_what_is_asked_for(folder: Path) -> None:
    """A file that the engine does not ask for is not even opened."""
    request = _request(folder)
    (folder / "large").unlink()

    receiver, code, _, _ = _transfer(request, lambda one: one.path == b"a/b")

    assert code == Code.OK
    assert receiver.contents == {"a/b": b"a/b"}


def test_changes_while_it_is_sent(folder: Path) -> None:
    """A file that changed or disappeared fails the transfer and says why; of one that grew the old part is sent."""
    request = _request(folder)
    with (folder / "a0").open("a") as file:
        file.write("more")
    receiver, code, errors, grown = _transfer(request)
    assert (receiver.contents["a0"], code, errors, grown) == (b"a0", Code.OK, [], ["a0"])

    (folder / "a-b").write_text("b-a")
    _, code, errors, _ = _transfer(request)
    assert code == Code.UNKNOWN
    assert [one.message for one in errors] == [f"{folder / 'a-b'} changed while it was being sent"]

    (folder / "a-b").unlink()
    _, code, errors, _ = _transfer(request)
    assert code == Code.UNKNOWN
    assert [one.message for one in errors] == [f"{folder / 'a-b'} cannot be read"]


def test_times(folder: Path) -> None:
    """The engine compares times, so a file that changes has another one, even if its time was set to the old one."""
    path = folder / "a.b"
    os.utime(path, (OLD, OLD))
    before = _entries(folder)["a.b"].time
    assert _entries(folder)["a.b"].time == before

    path.write_text("b.a")
    os.utime(path, (OLD, OLD))
    after = _entries(folder)["a.b"].time

    assert before != after
    assert before // 10**9 == after // 10**9 == OLD


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a"], ["a", "a/b"]),
        (["./a/b", "/none"], ["a", "a/b", "none"]),
        (["nowhere"], []),
        (["."], None),
        ([], None),
        (["a*"], None),
        (["link/x"], None),
    ],
)
def test_select(folder: Path, paths: list[str], found: list[str] | None) -> None:
    """Of plain paths only what is at, below and above them is listed; everything if a path may lead elsewhere."""
    entries = list(_entries(folder).values())
    selected = [os.fsdecode(one.path) for one in select(entries, paths)]
    assert selected == (found if found is not None else [os.fsdecode(one.path) for one in entries])


def test_an_unknown_method() -> None:
    """A method that is not there is answered as gRPC demands, and the connection goes on."""
    with engine_of({}) as engine:
        for _ in range(2):
            assert engine.call("/moby.filesync.v1.Auth/Credentials", first=[b""]) == ([], Code.UNIMPLEMENTED)
