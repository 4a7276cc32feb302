"""Work in threads of their own, beside what the caller does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Self, TypeVar, cast

from seatrial.errors import SeatrialError
from seatrial.host.signals import deferred, start_thread

__all__ = ["Background", "Task"]

_STOP_SECONDS = 1.0
_T = TypeVar("_T")


class Task(Generic[_T]):
    """Work that has begun in a thread of its own; `result` waits for it.

    As a context manager it ends with its block: work that is not done by then is told to `stop`, and gets a second.
    """

    def __init__(self, work: Callable[[], _T], *, stop: Callable[[], object] = lambda: None) -> None:
        self._work, self._stop = work, stop
        self._done = threading.Event()
        self._value: _T | None = None
        self._error: BaseException | None = None
        start_thread(threading.Thread(target=self._run, daemon=True))

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the work is done, but not longer than `seconds`; return whether it is, succeeded or not."""
        return self._done.wait(seconds)

    def result(self) -> _T:
        """Return what the work returned, or raise what it raised, as soon as it is done."""
        self._done.wait()
        if self._error:
            raise self._error
        return cast("_T", self._value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: object) -> None:
        if not self._done.is_set():
            self._stop()
            self._done.wait(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001  `result` raises it
            self._error = error
        self._done.set()


class Background:
    """What a command still does while its next steps are carried out; outside of its block, it is done at once.

    The end of the block waits for all of it, whatever has happened, and signals do not interrupt that. `error` is the
    first that it ended with.
    """

    def __init__(self) -> None:
        self.error: SeatrialError | None = None
        self._tasks: list[Task[None]] = []
        self._open = False

    def do(self, work: Callable[[], None]) -> None:
        """Do `work`."""
        if self._open:
            self._tasks.append(Task(work))
        else:
            work()

    def __enter__(self) -> Self:
        self._open = True
        return self

    def __exit__(self, *what: object) -> None:
        self._open = False
        with deferred():
            while self._tasks:
                try:
                    self._tasks.pop(0).result()
                except SeatrialError as error:
                    self.error = self.error or error
