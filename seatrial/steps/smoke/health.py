"""Ask an image's own HEALTHCHECK."""

from __future__ import annotations

import time
from typing import Final

from seatrial.engine.model import Container
from seatrial.engine.protocol import Engine
from seatrial.errors import SmokeFailed
from seatrial.model.app import App

__all__ = ["check_health"]

_PAUSE = 1.0
_NOT_RUN: Final = (-1, 126, 127)
"""Exit codes of a command that took too long, or that the container could not run."""


def check_health(engine: Engine, app: App, container: Container) -> None:
    """Run the HEALTHCHECK of a container; raise `SmokeFailed` with its last words if it fails.

    As for the engine, a failure within the start period does not count, and later ones as often in a row as it allows.
    """
    inspection = engine.inspect_container(container.id)
    test = inspection.health_test if inspection and inspection.running else None
    if inspection is None or test is None:
        return
    began, failures = time.monotonic(), 0
    while (result := engine.run_health_test(container.id, test)).exit_code:
        waited = time.monotonic() - began
        failures += waited >= test.start_period
        if failures >= test.retries or waited >= app.smoke_timeout or (failures and result.exit_code in _NOT_RUN):
            break
        time.sleep(_PAUSE)
    else:
        return
    now = engine.inspect_container(container.id)
    if now is None or not now.running:
        return  # the caller finds that it has ended, and says why
    ended = f"exit code {result.exit_code}: " if result.exit_code > 0 else ""
    raise SmokeFailed(
        f"{app.name} answers, but its HEALTHCHECK fails",
        reason=f"{ended}{result.output or '(no output)'}",
        hint=f"fix HEALTHCHECK in the Dockerfile (it runs: {' '.join(test.command)[:100]}), "
        "and install what it needs in the image; then: invoke build smoke",
        details=tuple(f"health check: exit code {one.exit_code}: {one.output}" for one in now.health_log),
        cause="unhealthy",
    )
