"""What watches a command: the console, a JUnit file."""

from __future__ import annotations

from typing import Protocol

from seatrial.events import Event
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.step import Step

__all__ = ["Observer"]


class Observer(Protocol):
    """What watches a command."""

    def step_started(self, step: Step) -> None:
        """Handle the start of a step."""
        ...

    def on_event(self, event: Event) -> None:
        """Handle an event of the current step."""
        ...

    def step_finished(self, outcome: Outcome) -> None:
        """Handle the outcome of a step."""
        ...
