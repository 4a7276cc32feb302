"""Requests over a Unix socket without the SDK: what they send, and answers that end early."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seatrial.engine.docker.socket_http import SocketHttp

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def answering(answer: bytes, folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request at a socket; yield its path, and what was sent there."""
    path, received = str(folder / "s"), list[bytes]()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while not b"".join(received).endswith(b"0\r\n\r\n"):
                    received.append(connection.recv(65536))
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield path, received
        thread.join(5)


def test_a_request_with_a_body(tmp_path: Path) -> None:
    """Parameters and body arrive; the answer is read as it comes."""
    with answering(HEAD + b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", tmp_path) as (path, received):
        client = SocketHttp(path, "1.41")
        with client.post("/build", params={"t": "a b&c"}, data=iter([b"tar", b"ball"]), timeout=5) as answer:
            assert (answer.status_code, answer.text) == (200, "onetwo")
    head, _, body = b"".join(received).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /build?t=a+b%26c HTTP/1.1\r\n")
    assert body == b"3\r\ntar\r\n4\r\nball\r\n0\r\n\r\n"


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", HEAD + b"9\r\none", HEAD + b"3\r\none\r\nzz"])
def test_an_answer_that_ends_early(answer: bytes, tmp_path: Path) -> None:
    """No answer, one that is not HTTP, and one that ends in its middle are a lost connection."""
    with answering(answer, tmp_path) as (path, _):
        client = SocketHttp(path, "1.41")
        with (
            pytest.raises(ConnectionError),
            client.post("/build", params={}, data=iter([b"tar"]), timeout=5) as found,
        ):
            list(found.iter_content())
    with pytest.raises(FileNotFoundError):
        SocketHttp(str(tmp_path / "none"), "1.41").post("/build", params={}, timeout=5)
