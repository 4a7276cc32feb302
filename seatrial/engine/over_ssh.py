"""Connections to an engine at ssh://, as the docker CLI makes them: by the programs ssh here and docker there."""

from __future__ import annotations

import shlex
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from seatrial.engine.failures import SshError
from seatrial.errors import EngineUnavailable
from seatrial.host.subprocesses import ConnectedProcess

__all__ = ["OverSsh"]

_CONNECT_SECONDS = 30


class OverSsh(HTTPAdapter):
    """Sends the requests of a session to the engine at an address `ssh://[USER@]HOST[:PORT][/SOCKET]`.

    Each connection is a process. It is kept for the next request, so a login is made only for those side by side.
    Raises `EngineUnavailable` if there is no program ssh here, and `SshError` in the place of a lost connection.
    """

    def __init__(self, url: str) -> None:
        if shutil.which("ssh") is None:
            raise EngineUnavailable(
                f"no Docker Engine answers at {url}",
                reason="the program ssh is not installed on this machine",
                hint="install ssh (Debian: openssh-client), then run it again",
                cause="no-engine",
            )
        super().__init__()
        self._pool = urllib3.HTTPConnectionPool("localhost", command=_command(url))
        self._pool.ConnectionCls = _Connection

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> urllib3.HTTPConnectionPool:
        """Return the connections, whatever the request's address."""
        return self._pool

    def close(self) -> None:
        """End all connections that are not in use."""
        self._pool.close()


def _command(url: str) -> list[str]:
    parts = urlsplit(url)
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    there = f"--host {shlex.quote(f'unix://{parts.path}')} " if parts.path.strip("/") else ""
    options = [*user, *port, "-o", f"ConnectTimeout={_CONNECT_SECONDS}", "-T"]
    return ["ssh", *options, "--", parts.hostname or "", f"docker {there}system dial-stdio"]


class _Connection(HTTPConnection):
    """A connection that is a process: one end of a socket pair is its input and its output."""

    def __init__(self, *place: Any, command: list[str], **options: Any) -> None:
        super().__init__(*place, **options)
        self._command = command
        self._ssh: ConnectedProcess | None = None

    def _new_conn(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._ssh = ConnectedProcess(self._command, theirs.fileno())
        return ours

    def request(self, *words: Any, **options: Any) -> None:
        with self._telling():
            super().request(*words, **options)

    def getresponse(self) -> Any:
        with self._telling():
            return super().getresponse()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Raise what ssh says in the place of a lost connection, which http.client closes before we hear of it."""
        ssh = self._ssh
        try:
            yield
        except ConnectionError as error:
            if ssh and (said := ssh.end()):
                raise SshError(said) from error
            raise

    def close(self) -> None:
        super().close()
        if self._ssh:
            self._ssh.end()
