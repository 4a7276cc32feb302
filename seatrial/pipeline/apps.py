"""Carry out the steps of several apps: at once where they can, and in order where one needs another."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from graphlib import TopologicalSorter
from math import inf
from queue import Empty, SimpleQueue
from typing import Protocol

from msgspec.structs import replace

from seatrial.host.background import Background
from seatrial.host.interruption import interrupt_threads
from seatrial.host.signals import start_thread
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.report import Report
from seatrial.pipeline.step import AppSteps
from seatrial.pipeline.world import World

__all__ = ["Carrier", "run_apps"]

_END_SECONDS = 20.0
_NOTICE_SECONDS = 0.2


class Carrier(Protocol):
    """What carries out the steps of one app; it never raises an exception."""

    def carry_out(self, one: AppSteps, world: World) -> tuple[Report, World]:
        """Return the app's report, and the world behind its last step."""
        ...

    def skip(self, one: AppSteps, reason: str) -> Report:
        """Return the report of an app that did not begin."""
        ...


def run_apps(apps: Sequence[AppSteps], world: World, carrier: Carrier, *, jobs: int) -> tuple[Report, ...]:
    """Carry out the steps of all apps, up to `jobs` at once, and return their reports in the order of `apps`.

    An app begins when those it needs have succeeded, and sees what check mode planned for them. An app that needs a
    failed one is skipped; the others go on. Ctrl-C or SIGTERM ends them all; the apps that did not begin are skipped.
    """
    run = _Run(apps, world, carrier)
    try:
        run.all(jobs)
    except BaseException as error:  # a signal: `terminable` makes an exception of it
        if isinstance(error, Exception):
            raise
        run.end(error)
    return tuple(run.reports[one.app] for one in apps)


class _Run:
    def __init__(self, apps: Sequence[AppSteps], world: World, carrier: Carrier) -> None:
        self.reports: dict[str, Report] = {}
        self._apps: Mapping[str, AppSteps] = {one.app: one for one in apps}
        self._world = world
        self._worlds: dict[str, World] = {}
        self._carrier = carrier
        self._running: dict[str, threading.Thread] = {}
        self._ended: SimpleQueue[tuple[str, Report, World]] = SimpleQueue()

    def all(self, jobs: int) -> None:
        """Carry out all apps."""
        sorter = TopologicalSorter({one.app: one.needs for one in self._apps.values()})
        sorter.prepare()
        ready: deque[str] = deque()
        while sorter.is_active():
            ready.extend(sorter.get_ready())
            while ready and len(self._running) < jobs:
                name = ready.popleft()
                if not self._begin(self._apps[name]):
                    sorter.done(name)
                    ready.extend(sorter.get_ready())
            if self._running:
                sorter.done(self._wait())

    def end(self, signal: BaseException) -> None:
        """End the apps that are running, and skip those that have not begun."""
        interrupt_threads(self._running.values(), signal)
        with suppress(Empty):  # one that does not end is not waited for: its thread ends with the process
            while self._running:
                self._wait(_END_SECONDS)
        for name, one in self._apps.items():
            if name not in self.reports:
                self.reports[name] = self._carrier.skip(one, "the command was cancelled")

    def _begin(self, one: AppSteps) -> bool:
        """Start an app's thread; return False if the app is skipped."""
        if failed := next((name for name in one.needs if self._is_lost(name)), None):
            self.reports[one.app] = self._carrier.skip(one, f"it needs {failed}, which {self._fate(failed)}")
            return False
        world = replace(self._world, background=Background())
        for name in one.needs:
            world = world.with_planned(self._worlds[name].planned)
        thread = threading.Thread(target=self._work, args=(one, world), name=one.app, daemon=True)
        self._running[one.app] = thread
        start_thread(thread)
        return True

    def _work(self, one: AppSteps, world: World) -> None:
        try:
            report, world = self._carrier.carry_out(one, world)
        except BaseException:  # noqa: BLE001  a signal outside the steps
            report = self._carrier.skip(one, "the command was cancelled")
        self._ended.put((one.app, report, world))

    def _wait(self, seconds: float = inf) -> str:
        """Wait for an app to end, and return its name; raise `Empty` after `seconds`."""
        until = time.monotonic() + seconds
        while True:
            try:  # a signal just before a wait begins is noticed only when it ends
                name, report, world = self._ended.get(timeout=_NOTICE_SECONDS)
                break
            except Empty:
                if time.monotonic() >= until:
                    raise
        del self._running[name]
        self.reports[name], self._worlds[name] = report, world
        return name

    def _is_lost(self, name: str) -> bool:
        return name not in self._worlds or self.reports[name].failure is not None

    def _fate(self, name: str) -> str:
        if name not in self._worlds:
            return "was skipped"
        return "failed" if self.reports[name].status is Status.FAILED else "is unknown"
