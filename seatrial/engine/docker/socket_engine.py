"""The questions that a run without changes asks the engine, answered without loading the SDK."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from seatrial.engine.model import EngineInfo, Image
from seatrial.engine.parsing import image_of
from seatrial.engine.protocol import Engine

__all__ = ["SocketEngine"]

_SECONDS = 5.0
_SERVER = re.compile(rb"^Server: Docker/(\S+)", re.MULTILINE)
_API = re.compile(rb"^Api-Version: ([\d.]+)", re.MULTILINE)
_OK, _NOT_FOUND = b"200", b"404"


class SocketEngine:
    """An engine on a Unix socket, as `Engine` describes it.

    Loading the SDK takes longer than finding out that nothing needs to be done. So images are inspected here, over the
    socket. All other calls, and all unexpected answers, go to the engine that `load` returns.
    """

    def __init__(self, endpoint: str, load: Callable[[], Engine]) -> None:
        self.endpoint = endpoint
        self._path = endpoint.removeprefix("unix://")
        self._load = load
        self._loaded: Engine | None = None
        self._heads = b""

    def image(self, name_or_id: str) -> Image | None:
        """Return the image of that name or id, or None."""
        status, found = self._ask(f"/images/{quote(name_or_id, safe='/:@')}/json")
        if status == _OK and "Id" in found:
            return image_of(found)
        return None if status == _NOT_FOUND and "message" in found else self._engine.image(name_or_id)

    def info(self) -> EngineInfo:
        """Return the engine's version and API."""
        if not self._heads:
            self._ask("/_ping")
        # Every answer has these headers; for a version request an engine first starts other programs.
        server, api = _SERVER.search(self._heads), _API.search(self._heads)
        if not (server and api):
            return self._engine.info()
        return EngineInfo(endpoint=self.endpoint, version=server[1].decode(), api=api[1].decode())

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._loaded:
            self._loaded.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @property
    def _engine(self) -> Engine:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _ask(self, path: str) -> tuple[bytes, dict[str, Any]]:
        """Return status and JSON object of an answer; both empty without an answer, or once the SDK is loaded."""
        if self._loaded:
            return b"", {}
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(_SECONDS)
                sock.connect(self._path)
                # HTTP/1.0: the answer comes in one piece and ends with the connection.
                sock.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
                response = b"".join(iter(lambda: sock.recv(65536), b""))
            self._heads, _, body = response.partition(b"\r\n\r\n")
            found = json.loads(body)
            return self._heads.split(b" ", 2)[1], found if isinstance(found, dict) else {}
        except (OSError, ValueError, IndexError, AttributeError):
            return b"", {}
