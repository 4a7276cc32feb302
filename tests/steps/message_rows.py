"""Rows for `test_messages.py`, and short ways to provoke an outcome in a scenario in memory."""

from __future__ import annotations

from collections.abc import Callable
from shutil import rmtree

import pytest
from _pytest.mark import ParameterSet

from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.step import Step
from tests.git import git
from tests.steps.run_steps import refused, released, tagged
from tests.steps.scenario import StepScenario

__all__ = [
    "changed",
    "check",
    "foreign",
    "published",
    "pushed",
    "real",
    "refuses",
    "row",
    "tagged",
    "uncommitted",
    "without",
]


def row(
    name: str, provoke: Callable[[StepScenario], Outcome], message: str, reason: str = "", hint: str = "", code: int = 0
) -> ParameterSet:
    """Return a row: how to provoke an outcome, its texts with DIGEST, SIZE, FOLDER and PORT for what varies, its code.

    Without an exit code it is not compared.
    """
    return pytest.param(provoke, (message, reason, hint), code, id=name)


def real(scenario: StepScenario, *steps: Step) -> Outcome:
    """Run the steps, and return the outcome of the last."""
    scenario.prepare(*steps[:-1])
    return scenario.real(steps[-1])


def refuses(scenario: StepScenario, *steps: Step) -> Outcome:
    """Run the steps, of which the last fails in check mode, too, and changes nothing, and return its outcome."""
    scenario.prepare(*steps[:-1])
    refused(scenario, steps[-1])
    return scenario.real(steps[-1])


def check(scenario: StepScenario, *steps: Step) -> Outcome:
    """Run the steps, the last in check mode, and return its outcome."""
    scenario.prepare(*steps[:-1])
    return scenario.check(steps[-1])


def pushed(scenario: StepScenario, *versions: str) -> StepScenario:
    """Release versions of an app that changes each time, and return the scenario."""
    for version in versions:
        released(scenario, version, f"hello from {version}", tested=True)
    return scenario


def changed(scenario: StepScenario) -> StepScenario:
    """Change the app, and return the scenario."""
    scenario.set_reply("hello again")
    return scenario


def foreign(scenario: StepScenario, name: str) -> StepScenario:
    """Tag an image that Seatrial did not build, and return the scenario."""
    scenario.backend.put_image(name)
    return scenario


def published(scenario: StepScenario, tag: str) -> StepScenario:
    """Publish an image that Seatrial did not build, and return the scenario."""
    scenario.backend.publish(scenario.repository, tag)
    return scenario


def without(scenario: StepScenario, what: str) -> StepScenario:
    """Remove the `ledger`, the `Dockerfile`, the `state` or the `image` of version 1, and return the scenario."""
    if what == "image":
        scenario.backend.remove_image(scenario.image_id(scenario.local()) or "")
    elif what == "state":
        rmtree(scenario.state.folder)
    else:
        (scenario.world.ledger.path if what == "ledger" else scenario.app.dockerfile).unlink()
    return scenario


def uncommitted(scenario: StepScenario) -> StepScenario:
    """Put the app into a git repository without a commit, and return the scenario."""
    git(scenario.app.context.parent, "init", "-q")
    return scenario
