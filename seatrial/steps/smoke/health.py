"""Ask an image's own HEALTHCHECK."""

from __future__ import annotations

import time

from seatrial.engine.model import Container
from seatrial.engine.protocol import Engine
from seatrial.errors import SmokeFailed
from seatrial.model.app import App

__all__ = ["check_health"]

_PAUSE = 0.5


def check_health(engine: Engine, app: App, container: Container) -> None:
    """Run the HEALTHCHECK of a container once; raise `SmokeFailed` with its last words if it fails.

    Within the start period a failure does not count, as for the engine, and the check is repeated.
    """
    inspection = engine.inspect_container(container.id)
    test = inspection.health_test if inspection and inspection.running else None
    if inspection is None or test is None:
        return
    deadline = time.monotonic() + min(test.start_period, app.smoke_timeout)
    while (result := engine.run_health_test(container.id, test)).exit_code and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    if not result.exit_code:
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
