"""The ports of several apps that are served at once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from seatrial.errors import UsageError
from seatrial.pipeline.step import AppSteps, Step
from seatrial.pipeline.world import World
from seatrial.steps.serve.run import Run

__all__ = ["check_ports"]


def check_ports(steps: Iterable[Step | AppSteps], world: World) -> None:
    """Raise `UsageError` if two apps would be served on one port."""
    runs = [step for one in steps if isinstance(one, AppSteps) for step in one.steps if isinstance(step, Run)]
    taken: dict[int, str] = {}
    for step in runs:
        port = step.host_port(world)
        if port in taken:
            free = next(
                one for one in count(port + 1) if one not in {*taken, *(other.target.host_port for other in runs)}
            )
            raise UsageError(
                f"{taken[port]} and {step.app} would both be served on port {port}",
                reason="each app needs a host_port of its own",
                hint=f"host_port: {free} in the settings of {step.app}, or invoke run --app {step.app} --port {free}",
            )
        taken[port] = step.app
