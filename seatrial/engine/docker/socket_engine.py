"""The requests of most runs to the engine, made without loading the SDK."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from io import BufferedReader
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from seatrial.engine.connection import Connection
from seatrial.engine.docker.containers import files_path
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.docker.socket_client import SocketClient
from seatrial.engine.model import Container, EngineInfo, HistoryEntry, Image, ImageFile
from seatrial.engine.parsing import container_of, history_of, image_of, label_filter, listed_image
from seatrial.errors import StepFailed, UsageError
from seatrial.settings.variables import Environment

if TYPE_CHECKING:  # as in DockerEngine
    from seatrial.engine.swarm import Swarm

__all__ = ["SocketEngine", "connect"]

_SECONDS = 5.0
_BUFFER = 1024 * 1024
_SERVER = re.compile(rb"^Server: Docker/(\S+)", re.MULTILINE)
_API = re.compile(rb"^Api-Version: ([\d.]+)", re.MULTILINE)
_OK, _NOT_FOUND = b"200", b"404"


def connect(variables: Environment) -> DockerEngine:
    """Return the engine that the environment names; if what names it is wrong, its first use raises `UsageError`."""
    connection = Connection(variables)
    with suppress(UsageError):
        if path := connection.endpoint.socket:
            return SocketEngine(connection, path)
    return DockerEngine(connection)


class SocketEngine(DockerEngine):
    """An engine on a Unix socket.

    Loading the SDK takes longer than finding out that nothing needs to be done, and as long as a short build. So images
    and containers are inspected and listed here, over the socket, and all else that a release and `run` need is
    done by `SocketClient`. All other calls, and all unexpected answers to a question, go through the SDK.
    """

    def __init__(self, connection: Connection, path: str) -> None:
        super().__init__(connection)
        self._path = path
        self._heads = b""

    def image(self, name_or_id: str) -> Image | None:
        """Return the image of that name or id, or None."""
        found, absent = self._described(f"/images/{quote(name_or_id, safe='/:@')}/json")
        if found:
            return image_of(found)
        return None if absent else super().image(name_or_id)

    def _images(self, labels: Mapping[str, str]) -> list[Image]:
        filters = json.dumps({"label": label_filter(labels)})
        found = self._list(f"/images/json?filters={quote(filters)}")
        return super()._images(labels) if found is None else [listed_image(one) for one in found]

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        found, absent = self._described(f"/containers/{quote(name, safe='')}/json")
        if found:
            return container_of(found)
        return None if absent else super().container(name)

    def _listed(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        filters = json.dumps({"label": label_filter(labels)})
        found = self._list(f"/containers/json?all=1&filters={quote(filters)}")
        return super()._listed(labels) if found is None else found

    def history(self, name_or_id: str) -> list[HistoryEntry]:
        """Return an image's history, newest layer first; raise `StepFailed` if there is no such image."""
        found = self._list(f"/images/{quote(name_or_id, safe='/:@')}/history")
        return super().history(name_or_id) if found is None else history_of(found)

    @cached_property
    def swarm(self) -> Swarm:
        """The swarm that the engine manages, or could."""
        from seatrial.engine.docker.swarm import DockerSwarm

        return DockerSwarm(self._connection, self._get)

    def info(self) -> EngineInfo:
        """Return the engine's version and API."""
        if not self._heads:
            self._get("/_ping")
        # Every answer has these headers; /version is slower, because the engine runs other programs for it.
        server, api = _SERVER.search(self._heads), _API.search(self._heads)
        if not (server and api):
            return super().info()
        return EngineInfo(endpoint=self.endpoint, version=server[1].decode(), api=api[1].decode())

    @cached_property
    def _client(self) -> Any:
        """A client that needs no SDK; the SDK's, if what answers at the socket does not tell its API version."""
        if not self._heads:
            self._get("/_ping")
        api = _API.search(self._heads)
        return SocketClient(self._path, api[1].decode(), self._connection, self._described) if api else super()._client

    def files(self, container_id: str, folder: str = "") -> Generator[ImageFile, None, None]:
        """Yield a container's files: from this machine's kernel, or as the engine sends them.

        The SDK's HTTP would read their content in many small pieces.
        """
        from seatrial.engine.docker.container_files import read_files
        from seatrial.engine.docker.host_files import HostFiles

        action = f"the files of {container_id} cannot be read"
        _, raw = self._get(f"/containers/{quote(container_id, safe='')}/json")
        if isinstance(raw, dict) and (near := HostFiles.of(raw, folder)):
            try:
                yield from near.read()
            except (OSError, RecursionError) as error:
                raise StepFailed(action, reason=str(error), hint="run it again") from error
            return
        with (
            self._connection.translate_errors(action),
            self._asked(files_path(container_id, folder), self._connection.limit) as sock,
            BufferedReader(socket.SocketIO(sock, "r"), _BUFFER) as stream,
        ):
            if stream.readline().split(b" ", 2)[1:2] == [_OK]:
                while stream.readline().strip():
                    pass
                yield from read_files(stream, container_id, folder)
                return
        yield from super().files(container_id, folder)  # its error has the engine's words

    @contextmanager
    def _asked(self, path: str, seconds: float | None) -> Iterator[socket.socket]:
        """Send a GET request, and yield the socket with its answer, for which each read waits so long.

        HTTP/1.0: the answer comes in one piece, and ends with the connection.
        """
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(seconds)
            sock.connect(self._path)
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            yield sock

    def _described(self, path: str) -> tuple[dict[str, Any] | None, bool]:
        """Return the description in an answer, None without one; and whether the engine has no such thing."""
        status, found = self._get(path)
        known = found if isinstance(found, dict) else {}
        return known if status == _OK and "Id" in known else None, status == _NOT_FOUND and "message" in known

    def _list(self, path: str) -> list[dict[str, Any]] | None:
        """Return the list in an answer; None without one."""
        status, found = self._get(path)
        if status == _OK and isinstance(found, list) and all(isinstance(one, dict) and "Id" in one for one in found):
            return found
        return None

    def _get(self, path: str) -> tuple[bytes, Any]:
        """Return the status and the JSON of an answer; empty and None without one."""
        if self._connection.silent:
            return b"", None
        deadline = time.monotonic() + _SECONDS
        response = b""
        try:
            with self._asked(path, _SECONDS) as sock:
                while piece := sock.recv(65536):
                    response += piece
                    sock.settimeout(max(0.001, deadline - time.monotonic()))
            self._heads, _, body = response.partition(b"\r\n\r\n")
            return self._heads.split(b" ", 2)[1], json.loads(body)
        except (OSError, ValueError, IndexError, AttributeError):
            return b"", None
