"""Several steps in one run of Seatrial, as in a command, and what many tests of steps begin with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, cast
from unittest.mock import Mock

from msgspec.structs import replace

from seatrial.errors import RegistryUnavailable, SeatrialError
from seatrial.events import Event
from seatrial.model.reference import ImageReference
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.pipeline import run_steps
from seatrial.pipeline.report import Report
from seatrial.pipeline.step import Step
from seatrial.registry.model import Manifest, Registry
from tests.steps.scenario import StepScenario

__all__ = ["go", "refused", "released", "statuses", "tagged", "with_registry", "without_moving"]


def go(scenario: StepScenario, steps: Sequence[Step], *, check: bool) -> Report:
    """Run the steps in one run of Seatrial."""
    outcomes, _ = run_steps(steps, scenario.world, Mock(), check=check)
    return Report(command="release", check=check, outcomes=outcomes)


def statuses(report: Report) -> list[str]:
    """Return the status of each step."""
    return [outcome.status.value for outcome in report.outcomes]


def released(scenario: StepScenario, version: str, reply: str | None = None, *, tested: bool = False) -> str:
    """Release a version, of an app with another reply if one is given, and return the published digest.

    Unless `tested` is set there is no smoke test, which is quicker.
    """
    if reply:
        scenario.set_reply(reply)
    smoke = (scenario.smoke(version),) if tested else ()
    first_steps = (scenario.preflight(version), scenario.build(version), *smoke, scenario.tag(version))
    report = go(scenario, (*first_steps, scenario.push(version, untested=not tested)), check=False)
    assert report.exit_code == 0, report.failure
    return scenario.backend.published(scenario.repository)[version]


def tagged(scenario: StepScenario, version: str = "1", reply: str | None = None) -> StepScenario:
    """Build, test and tag a version, of an app with another reply if one is given, and return the scenario."""
    if reply:
        scenario.set_reply(reply)
    scenario.prepare(scenario.build(version), scenario.smoke(version), scenario.tag(version))
    return scenario


def refused(scenario: StepScenario, step: Step) -> SeatrialError:
    """Return the error of a step that fails in check mode and in the real run, and changes nothing."""
    before = scenario.seen()
    check, real = scenario.check(step), scenario.real(step)
    assert scenario.seen() == before
    assert (check.status, check.message) == (real.status, real.message)
    assert real.status is Status.FAILED
    assert real.error
    return real.error


def with_registry(scenario: StepScenario, step: Step, **methods: Callable[..., object]) -> tuple[Outcome, list[Event]]:
    """Run a step alone on a registry with other methods, which get the real one first; return outcome and events."""
    behind = scenario.backend.registry(scenario.backend.host)

    class Changed:
        def __getattr__(self, name: str) -> Any:
            if name in methods:
                return lambda *words, **options: methods[name](behind, *words, **options)
            return getattr(behind, name)

    events: list[Event] = []
    world = replace(scenario.world, registry=lambda _: cast("Registry", Changed()))
    return converge(step, world, check=False, emit=events.append)[0], events


def without_moving(scenario: StepScenario, step: Step, stuck: Collection[str]) -> Outcome:
    """Run a step alone on a registry that does not move the `stuck` tags, and return the outcome."""

    def tag(registry: Registry, reference: ImageReference, manifest: Manifest) -> None:
        if reference.tag in stuck:
            raise RegistryUnavailable(f"{reference.familiar} cannot be moved", reason="it is stuck", hint="again")
        registry.tag(reference, manifest)

    return with_registry(scenario, step, tag=tag)[0]
