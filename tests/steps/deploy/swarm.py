"""What tests of deployments do to the swarm in memory, and how they look at it."""

from __future__ import annotations

from seatrial.engine.swarm import ServiceSpec
from seatrial.pipeline.outcome import Outcome
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.swarm import MemorySwarm
from tests.steps.run_steps import released
from tests.steps.scenario import StepScenario

__all__ = ["deployed", "spec_of", "swarm_of", "with_swarm"]


def swarm_of(scenario: StepScenario) -> MemorySwarm:
    """Return the swarm of the scenario's engine."""
    engine = scenario.backend.engine
    assert isinstance(engine, MemoryEngine)
    assert isinstance(engine.swarm, MemorySwarm)
    return engine.swarm


def spec_of(scenario: StepScenario) -> ServiceSpec:
    """Return the spec of the app's service."""
    service = swarm_of(scenario).service(scenario.app.container_name)
    assert service
    return service.spec


def with_swarm(scenario: StepScenario, *versions: str) -> StepScenario:
    """Make a swarm and release versions of an app that changes each time, and return the scenario."""
    swarm_of(scenario).init(None)
    for version in versions:
        released(scenario, version, f"hello from {version}", tested=True)
    return scenario


def deployed(scenario: StepScenario, *versions: str) -> Outcome:
    """Make a swarm, release versions and deploy them one after the other; return the last outcome."""
    with_swarm(scenario, *versions)
    scenario.prepare(*(scenario.deploy(one, monitor=0.01) for one in versions[:-1]))
    return scenario.real(scenario.deploy(versions[-1], monitor=0.01))
