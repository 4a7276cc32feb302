"""What status shows about one app."""

from __future__ import annotations

from seatrial.errors import SeatrialError
from seatrial.model.app import App
from seatrial.output.hints import Call
from seatrial.output.release_status import release_status, show_statuses
from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination

__all__ = ["show_status"]

CALL = Call()


def show_status(
    world: World, app: App, known: Destination | None, *, as_json: bool, call: Call = CALL
) -> tuple[str, SeatrialError | None]:
    """Return what is shown about one app, and the problem."""
    found = release_status(world, app, known)
    return show_statuses([found], as_json=as_json, call=call), found.problem
