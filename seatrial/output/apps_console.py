"""Show several apps that are worked on at once: each step's lines come in one piece, when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from seatrial.errors import SeatrialError
from seatrial.events import Event
from seatrial.host.signals import deferred
from seatrial.output.console import Console
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.step import Step

__all__ = ["AppObserver", "AppsConsole"]


class AppsConsole:
    """One console for several apps; on a terminal its last line says what each is doing.

    A step that writes to the terminal itself, such as a hook, has the terminal until it ends. The other apps go on, and
    what they say is shown after it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._terminal = threading.Lock()
        self._writer: Step | None = None
        self._waiting: list[Callable[[], None]] = []
        self._doing: dict[str, str] = {}

    def observer(self) -> AppObserver:
        """Return the observer of one app."""
        return AppObserver(self)

    def begin(self, step: Step) -> None:
        """Show that a step begins; one that writes to the terminal itself waits until no other does."""
        if not step.writes:
            with self._lock:
                self._doing[step.app] = step.name
                self._show_doing()
            return
        with deferred():
            self._terminal.acquire()
            with self._lock:
                self._console.working_on("")
                self._console.step_started(step)
                self._writer = step

    def end(self, step: Step | None, events: list[Event], outcome: Outcome) -> None:
        """Show a step's events and its outcome; `step` is None if it did not begin."""

        def show() -> None:
            if step and not step.writes:
                self._console.step_started(step)
            for event in events:
                self._console.on_event(event)
            self._console.step_finished(outcome)

        if step and step is self._writer:
            with self._lock:
                self._writer, waiting, self._waiting = None, self._waiting, []
                for one in (show, *waiting):
                    one()
            self._terminal.release()
        else:
            self._show(show)
        with self._lock:
            self._doing.pop(outcome.app, None)
            self._show_doing()

    def on_event(self, event: Event) -> None:
        """Show an event that is about no app, or of the step that has the terminal."""
        with self._lock:
            self._console.on_event(event)

    def error(self, error: SeatrialError, app: str) -> None:
        """Show an error of an app that is no step's."""
        self._show(partial(self._console.error, error, app=app))

    def _show(self, show: Callable[[], None]) -> None:
        """Show something as soon as no step has the terminal."""
        with self._lock:
            if self._writer:
                self._waiting.append(show)
            else:
                show()

    def shows(self, event: Event) -> bool:
        """Return whether an event has to be kept."""
        return self._console.shows(event)

    def _show_doing(self) -> None:
        if self._writer is None:
            self._console.working_on(", ".join(f"{app} {step}" for app, step in self._doing.items()))


class AppObserver:
    """Keeps the events of one app's step until it ends."""

    def __init__(self, shared: AppsConsole) -> None:
        self._shared = shared
        self._step: Step | None = None
        self._events: list[Event] = []

    def step_started(self, step: Step) -> None:
        """Note the step."""
        self._step = step
        self._shared.begin(step)

    def on_event(self, event: Event) -> None:
        """Keep the event, or show it at once if the step has the terminal."""
        if self._step and self._step.writes:
            self._shared.on_event(event)
        elif self._shared.shows(event):
            self._events.append(event)

    def step_finished(self, outcome: Outcome) -> None:
        """Show the step, whose outcome Ctrl-C does not keep from being seen."""
        with deferred():
            step, events = self._step, self._events
            self._step, self._events = None, []
            self._shared.end(step, events, outcome)
