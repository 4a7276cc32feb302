"""What `smoke` says."""

from __future__ import annotations

from _pytest.mark import ParameterSet
from msgspec.structs import replace

from seatrial.checks.http.base_url import BaseUrl
from seatrial.engine.model import Container
from seatrial.errors import StepFailed
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.steps.smoke.deployed import Deployed
from seatrial.steps.smoke.identity import check_identity
from tests.steps.message_rows import check, real, row
from tests.steps.scenario import StepScenario

__all__ = ["ROWS"]

_AGAIN = "check whether somebody else works on the same containers, then run it again"


def _deployed(scenario: StepScenario, version: str = "1") -> Deployed:
    """Serve version 1, and return the step that checks its URL for `version`."""
    scenario.prepare(scenario.build(), scenario.serve())
    return Deployed(target=scenario.app, base_url=BaseUrl(port=scenario.app.host_port), awaited=Version(version))


def _identity(scenario: StepScenario, **now: object) -> Outcome:
    """Check a served container that is different `now`: gone, or with other fields."""
    scenario.prepare(scenario.build(), scenario.serve())
    engine, image = scenario.backend.engine, scenario.world.image_for(scenario.app, Version("1"))
    container = engine.container(scenario.app.container_name)
    assert container
    try:
        check_identity(scenario.app, image, asked=container, now=_changed(container, now))
    except StepFailed as error:
        return Outcome(step="smoke", app="web", status=Status.FAILED, message=error.message, error=error)
    raise AssertionError


def _changed(container: Container, fields: dict[str, object]) -> Container | None:
    return replace(container, **fields) if fields else None


def _touched(did: str, to: str = "", **now: object) -> ParameterSet:
    """Return the row of a container that somebody changed during its checks."""
    what, reason = f"web was {did} during its checks", f"somebody {did} its container demo-web{to}"
    return row(f"container {did}", lambda scenario: _identity(scenario, **now), what, reason, _AGAIN)


ROWS = (
    row("smoke", lambda s: real(s, s.build(), s.smoke()), "demo/web:1: 2 checks passed in SECONDS"),
    row("would smoke", lambda s: check(s, s.build(), s.smoke()), "would run 2 checks against demo/web:1"),
    row(
        "smoke reused",
        lambda s: check(s, s.build(), s.smoke(), s.smoke(reuse=True)),
        "demo/web:1: 2 checks passed in SECONDS (in an earlier run)",
    ),
    row("deployed", lambda s: real(s, _deployed(s)), "2 checks passed at http://127.0.0.1:PORT"),
    row(
        "would check deployed",
        lambda s: check(s, _deployed(s)),
        "would run 2 checks against http://127.0.0.1:PORT (GET /, GET /version)",
    ),
    row(
        "deployed fails",
        lambda s: real(s, _deployed(s, "2")),
        "http://127.0.0.1:PORT failed 1 of 2 checks",
        "GET /version: expected version 2, got '1'",
        "check what is deployed there, then: invoke smoke --url http://127.0.0.1:PORT --version 2",
    ),
    row("container removed", _identity, "web was removed during its checks", "its container is gone", _AGAIN),
    _touched("paused", state="paused"),
    _touched("restarted", started="later"),
    _touched("renamed", " to other", name="other"),
    row(
        "another port",
        lambda s: _identity(s, ports={s.app.port: 1}),
        "the answers may not come from web",
        "the checks used port PORT, but the container's port is now 1",
        _AGAIN,
    ),
    row(
        "another image",
        lambda s: _identity(s, image_id="sha256:b"),
        "the answers come from another image than that of web",
        "expected image DIGEST, but the container demo-web runs DIGEST",
        _AGAIN,
    ),
)
