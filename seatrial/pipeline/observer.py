"""Who watches a command: the console, a JUnit file."""

from __future__ import annotations

from typing import Protocol

from seatrial.events import Event
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.step import Step

__all__ = ["Observer"]


class Observer(Protocol):
    """Somebody who watches a command."""

    def step_started(self, step: Step) -> None:
        """Hear that a step begins."""
        ...

    def on_event(self, event: Event) -> None:
        """Hear what happens in it."""
        ...

    def step_finished(self, outcome: Outcome) -> None:
        """Hear how it came out."""
        ...
