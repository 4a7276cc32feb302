"""What `deploy`, `scale` and `undeploy` say."""

from __future__ import annotations

from seatrial.pipeline.outcome import Outcome
from seatrial.steps.deploy.back import DeployRollback
from seatrial.steps.deploy.scale import Scale
from seatrial.steps.deploy.undeploy import Undeploy
from seatrial.steps.setup.swarm import SwarmActive
from tests.steps.deploy.swarm import deployed, with_swarm
from tests.steps.message_rows import check, real, row
from tests.steps.run_steps import released
from tests.steps.scenario import StepScenario

__all__ = ["ROWS"]


def _one(scenario: StepScenario) -> StepScenario:
    """Deploy version 1, and return the scenario."""
    deployed(scenario, "1")
    return scenario


def _back(scenario: StepScenario) -> Outcome:
    """Deploy two versions, and go back."""
    deployed(scenario, "1", "2")
    return scenario.real(DeployRollback(target=scenario.app))


def _broken(scenario: StepScenario, reply: str) -> Outcome:
    """Deploy version 1, then a version 2 with this behaviour."""
    released(_one(scenario), "2", reply)
    return real(scenario, scenario.deploy("2", monitor=0.01))


_WEB1 = "registry.test:5000/demo/web:1"
ROWS = (
    row("deploy", lambda s: deployed(s, "1"), f"deployed {_WEB1} as demo-web, 1 replica (http://127.0.0.1:PORT/)"),
    row(
        "would deploy",
        lambda s: check(with_swarm(s, "1"), s.deploy(replicas=2)),
        f"would deploy {_WEB1} as demo-web, 2 replicas",
    ),
    row(
        "deployed",
        lambda s: real(_one(s), s.deploy(monitor=0.01)),
        f"{_WEB1} serves as demo-web, 1 replica",
    ),
    row(
        "deploy another",
        lambda s: deployed(s, "1", "2"),
        "deployed registry.test:5000/demo/web:2 as demo-web, 1 replica (http://127.0.0.1:PORT/)",
        f"it replaces {_WEB1}@DIGEST",
    ),
    row(
        "deploy untested",
        lambda s: real(with_swarm(s, "1"), s.deploy("2")),
        "cannot deploy registry.test:5000/demo/web:2",
        "it is not published",
        "invoke release --user demo --registry registry.test:5000 --version 2",
    ),
    row(
        "deploy a crash",
        lambda s: _broken(s, "crash"),
        f"web died at start (exit code 3); Swarm went back to {_WEB1}",
        "its process ended with exit code 3; its last log line: startup failed; "
        "the engine says: task: non-zero exit (3); no known cause fits",
        "fix the error in the lines above; then: invoke build smoke",
    ),
    row(
        "back",
        _back,
        f"took demo-web from registry.test:5000/demo/web:2 back to {_WEB1}",
    ),
    row(
        "no way back",
        lambda s: real(_one(s), DeployRollback(target=s.app)),
        f"cannot go back from {_WEB1}",
        "it was never updated",
        "invoke deploy --version VERSION",
    ),
    row("scale", lambda s: real(_one(s), Scale(target=s.app, replicas=2)), "scaled demo-web from 1 to 2 replicas"),
    row("scaled", lambda s: real(_one(s), Scale(target=s.app, replicas=1)), "demo-web has 1 replica"),
    row(
        "scale nothing",
        lambda s: real(with_swarm(s), Scale(target=s.app, replicas=2)),
        "there is no service demo-web",
        "web is not deployed",
        "invoke deploy",
    ),
    row("undeploy", lambda s: real(_one(s), Undeploy(target=s.app)), "removed the service demo-web (1 replica)"),
    row("undeployed", lambda s: real(with_swarm(s), Undeploy(target=s.app)), "web is not deployed"),
    row("swarm", lambda s: real(with_swarm(s), SwarmActive()), "the engine is a manager of a swarm"),
    row(
        "no swarm",
        lambda s: check(s, SwarmActive()),
        "would make a swarm with this engine as its only node; it listens on port 2377",
    ),
)
