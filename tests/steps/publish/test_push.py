"""push: in memory, and its four runs to a real registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from seatrial.errors import Conflict, RegistryUnavailable, StepFailed
from seatrial.events import Transfer
from seatrial.model.app import Check
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.step import Step
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import prefixed_digest
from seatrial.steps.publish.push import Push
from tests.engine.memory.engine import MemoryEngine
from tests.steps.run_steps import refused, released, tagged, with_registry
from tests.steps.scenario import ALSO_DOCKER, StepScenario


@ALSO_DOCKER
def test_four_runs(scenario: StepScenario) -> None:
    """The registry holds the image under its version and `latest`, and the outcome has the digest."""
    done = tagged(scenario).four_runs(scenario.push())

    assert scenario.backend.published(scenario.repository) == {"1": done.after, "latest": done.after}
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")
    _, events = with_registry(scenario, scenario.push())
    assert not [event for event in events if isinstance(event, Transfer)], "what the registry holds was sent again"


def _failed_its_test(scenario: StepScenario) -> Push:
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build(), scenario.tag())
    assert scenario.real(scenario.smoke()).status is Status.FAILED
    return scenario.push()


def _other_checks(scenario: StepScenario) -> Push:
    tagged(scenario)
    return replace(scenario.push(), target=scenario.app.but(checks=(Check(text="hello", path="/other"),)))


def _the_image_before(scenario: StepScenario) -> Push:
    tagged(scenario).set_reply("hello again")
    scenario.prepare(scenario.build(), scenario.tag())
    return scenario.push()


@pytest.mark.parametrize("prepare", [_failed_its_test, _other_checks, _the_image_before])
def test_without_a_verdict(scenario: StepScenario, prepare: Callable[[StepScenario], Push]) -> None:
    """An image without a passed smoke test of these checks is not pushed."""
    error = refused(scenario, prepare(scenario))

    assert isinstance(error, StepFailed)
    assert error.hint == "invoke smoke --version 1"
    assert scenario.backend.published(scenario.repository) == {}


@ALSO_DOCKER
def test_other_content(scenario: StepScenario) -> None:
    """Other content under a published version is a conflict; with `overwrite` it replaces the version."""
    older = released(scenario, "1")
    tagged(scenario, reply="hello again")

    error = refused(scenario, scenario.push())

    assert isinstance(error, Conflict)
    assert error.exit_code == 4
    assert older in error.reason

    done = scenario.four_runs(scenario.push(overwrite=True))

    assert f"{scenario.remote()} (was {prefixed_digest(older)})" in done.message
    assert done.before == older != done.after
    assert scenario.backend.published(scenario.repository) == {"1": done.after, "latest": done.after}


def test_an_immutable_tag(scenario: StepScenario) -> None:
    """A moving tag that the registry never moves is a conflict; the version is published."""

    def tag(*_: object) -> None:
        raise Conflict("it cannot be moved", reason="the registry never moves a tag", hint="--version NEW")

    outcome, _ = with_registry(tagged(scenario), scenario.push(), tag=tag)

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.exit_code == 4
    assert list(scenario.backend.published(scenario.repository)) == ["1"]


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_tag_in_the_engine(scenario: StepScenario, elsewhere: bool) -> None:
    """An image whose tag is missing or points elsewhere is not pushed; the hint is the command to tag it."""
    scenario.prepare(scenario.build(), scenario.smoke())
    if elsewhere:
        scenario.backend.put_image(scenario.remote())

    error = refused(scenario, scenario.push())

    assert isinstance(error, StepFailed)
    assert (scenario.image_id(scenario.remote()) or scenario.remote()) in error.reason
    assert error.hint.startswith(f"invoke tag --user {scenario.app.project}")
    assert scenario.world.ledger.entries() == ()


@pytest.mark.parametrize("name", ["preflight", "push", "rollback"])
def test_a_registry_out_of_reach(scenario: StepScenario, name: str) -> None:
    """A registry that does not answer is exit code 3, and unknown in check mode."""
    tagged(scenario)
    away = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")
    steps: dict[str, Step] = {
        "preflight": replace(scenario.preflight(), destination=away),
        "push": replace(scenario.push(), destination=away),
        "rollback": replace(scenario.rollback("1"), destination=away),
    }

    check, real = scenario.check(steps[name]), scenario.real(steps[name])

    assert (check.status, real.status) == (Status.UNKNOWN, Status.FAILED)
    for outcome in (check, real):
        assert isinstance(outcome.error, RegistryUnavailable)
        assert outcome.error.exit_code == 3


def test_a_push_that_did_not_arrive(scenario: StepScenario) -> None:
    """A push fails if the image is not in the registry, whatever the engine says."""

    class Forgetful(MemoryEngine):
        def push(self, *_: object, **__: object) -> None:
            """Report success, and push nothing."""

    tagged(scenario)
    engine = Forgetful()
    engine._images = {image.id: image for image in scenario.backend.engine.images(scenario.app.labels)}

    outcome, _ = converge(scenario.push(), replace(scenario.world, engine=engine), check=False, emit=lambda _: None)

    assert isinstance(outcome.error, StepFailed)
    assert outcome.error.message == f"{scenario.remote()} was pushed but is not in the registry"
    assert outcome.error.reason == "the registry holds nothing under this tag"
