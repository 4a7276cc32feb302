"""The common part of the proxies before a registry and before an engine: rules for faults, a log, start and end."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from socketserver import BaseServer
from typing import Generic, TypeVar

__all__ = ["Fault", "Logged", "Watch", "running"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A rule for a fault: `method` matches the whole method, `path` is searched in path and query; both are regexps.

    It applies to the first `times` requests that match, or to all of them.
    """

    method: str = ".*"
    path: str = ""
    times: int | None = None

    def fits(self, method: str, path: str) -> bool:
        """Return whether the rule matches a request."""
        return bool(re.fullmatch(self.method, method) and re.search(self.path, path))


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A request that the proxy received, and the status of its answer, None until there is one."""

    method: str
    path: str
    status: int | None = None


F = TypeVar("F", bound=Fault)


class Watch(Generic[F]):
    """The active faults, the requests so far, and the open sockets."""

    def __init__(self, faults: Iterable[F]) -> None:
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._log: list[Logged] = []
        self._sockets: set[socket.socket] = set()
        self.faults = tuple(faults)

    @property
    def faults(self) -> tuple[F, ...]:
        """The active faults, of which the first match applies; setting them resets their counts."""
        return tuple(self._faults)

    @faults.setter
    def faults(self, faults: Iterable[F]) -> None:
        with self._lock:
            self._faults = list(faults)
            self._used = [0] * len(self._faults)

    @property
    def log(self) -> tuple[Logged, ...]:
        """All requests so far, in order."""
        with self._lock:
            return tuple(self._log)

    def count(self, method: str = ".*", path: str = "", status: int | None = None) -> int:
        """Return the number of requests so far with this method, path (both regexps) and status."""
        fault = Fault(method=method, path=path)
        return sum(fault.fits(one.method, one.path) and status in {None, one.status} for one in self.log)

    def forget(self) -> None:
        """Clear the log, including requests without an answer."""
        with self._lock:
            self._log = []

    def received(self, method: str, path: str) -> tuple[Logged, F | None]:
        """Log a request, and return it with the fault that applies to it."""
        request = Logged(method=method, path=path)
        with self._lock:
            self._log.append(request)
            for number, fault in enumerate(self._faults):
                if fault.fits(method, path) and (fault.times is None or self._used[number] < fault.times):
                    self._used[number] += 1
                    return request, fault
        return request, None

    def answered(self, request: Logged, status: int) -> None:
        """Log the status of the answer to a request."""
        with self._lock:
            self._log = [replace(request, status=status) if entry is request else entry for entry in self._log]

    @contextmanager
    def holding(self, *sockets: socket.socket) -> Iterator[None]:
        """Shut the sockets down if the proxy closes during the block."""
        with self._lock:
            self._sockets.update(sockets)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.difference_update(sockets)

    def close(self) -> None:
        """Wake everything that waits, and shut down the open sockets."""
        self.closed.set()
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


@contextmanager
def running(server: BaseServer) -> Iterator[None]:
    """Let a server answer in threads of their own during the block."""
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
