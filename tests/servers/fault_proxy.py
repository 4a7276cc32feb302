"""What the proxies between engine and registry and between SDK and engine share: faults by rule, and a log."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

__all__ = ["Fault", "Logged", "Watch"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Where a fault strikes: `method` is all of the method, `path` is found in path and query, both as regexps.

    It strikes the first `times` requests that it fits, or all of them.
    """

    method: str = ".*"
    path: str = ""
    times: int | None = None

    def fits(self, method: str, path: str) -> bool:
        """Return whether it is meant for such a request."""
        return bool(re.fullmatch(self.method, method) and re.search(self.path, path))


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A request that came, and the status of its answer: None as long as there is none."""

    method: str
    path: str
    status: int | None = None


F = TypeVar("F", bound=Fault)


class Watch(Generic[F]):
    """The faults in force, the requests so far, and the sockets that are open."""

    def __init__(self, faults: Iterable[F]) -> None:
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._log: list[Logged] = []
        self._sockets: set[socket.socket] = set()
        self.faults = tuple(faults)

    @property
    def faults(self) -> tuple[F, ...]:
        """The faults in force, the first that fits strikes; those that are set count their requests anew."""
        return tuple(self._faults)

    @faults.setter
    def faults(self, faults: Iterable[F]) -> None:
        with self._lock:
            self._faults = list(faults)
            self._struck = [0] * len(self._faults)

    @property
    def log(self) -> tuple[Logged, ...]:
        """All requests so far, in the order they came."""
        with self._lock:
            return tuple(self._log)

    def count(self, method: str = ".*", path: str = "", status: int | None = None) -> int:
        """Count the requests so far that a fault with this method and path would fit, and with this status."""
        fault = Fault(method=method, path=path)
        return sum(fault.fits(one.method, one.path) and status in {None, one.status} for one in self.log)

    def forget(self) -> None:
        """Begin the log anew; requests without an answer yet are lost."""
        with self._lock:
            self._log = []

    def came(self, method: str, path: str) -> tuple[Logged, F | None]:
        """Log a request, and give the fault that strikes it."""
        one = Logged(method=method, path=path)
        with self._lock:
            self._log.append(one)
            for number, fault in enumerate(self._faults):
                if fault.fits(method, path) and (fault.times is None or self._struck[number] < fault.times):
                    self._struck[number] += 1
                    return one, fault
        return one, None

    def answered(self, one: Logged, status: int) -> None:
        """Log the answer to a request."""
        with self._lock:
            self._log = [replace(one, status=status) if entry is one else entry for entry in self._log]

    @contextmanager
    def holding(self, *sockets: socket.socket) -> Iterator[None]:
        """Have sockets shut down when the proxy closes meanwhile."""
        with self._lock:
            self._sockets.update(sockets)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.difference_update(sockets)

    def close(self) -> None:
        """Let all that waits go on, to its end."""
        self.closed.set()
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
