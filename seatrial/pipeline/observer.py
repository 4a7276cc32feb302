"""What sees a command's steps and events as they come, such as the console."""

from __future__ import annotations

from typing import Protocol

from seatrial.events import Event
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.step import Step

__all__ = ["Observer"]


class Observer(Protocol):
    """What sees a command's steps and events as they come."""

    def step_started(self, step: Step) -> None:
        """Handle the start of a step."""
        ...

    def on_event(self, event: Event) -> None:
        """Handle an event of the current step."""
        ...

    def step_finished(self, outcome: Outcome) -> None:
        """Handle the outcome of a step."""
        ...
