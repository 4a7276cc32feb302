"""push: in memory, and over other content in a real registry, too."""

from __future__ import annotations

import dataclasses
from typing import Any
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from seatrial.errors import Conflict, StepFailed
from seatrial.events import Transfer
from seatrial.model.app import VERSION_LABEL, Check
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.steps.publish.destination import Destination
from tests.engine.memory.engine import MemoryEngine
from tests.steps.run_steps import refused, released, tagged, with_registry
from tests.steps.scenario import ALSO_DOCKER, StepScenario


def test_four_runs(scenario: StepScenario) -> None:
    """The registry holds the image under its version and `latest`, and the outcome has the digest."""
    done = tagged(scenario).four_runs(scenario.push())

    assert scenario.backend.published(scenario.repository) == {"1": done.after, "latest": done.after}
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")
    _, events = with_registry(scenario, scenario.push())
    assert not [event for event in events if isinstance(event, Transfer)], "what the registry holds was sent again"


def test_without_a_verdict(scenario: StepScenario) -> None:
    """An image without a passed smoke test of these checks is not pushed."""
    other_checks = scenario.app.but(checks=(Check(text="hello", path="/other"),))
    assert isinstance(refused(tagged(scenario), dataclasses.replace(scenario.push(), target=other_checks)), StepFailed)

    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build(), scenario.tag())
    assert isinstance(refused(scenario, scenario.push()), StepFailed), "only the image before has passed"
    assert scenario.real(scenario.smoke()).status is Status.FAILED
    assert isinstance(refused(scenario, scenario.push()), StepFailed)


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

    assert done.before == older != done.after
    assert scenario.world.ledger.entries()[-1].before == {"1": older, "latest": older}
    assert scenario.backend.published(scenario.repository) == {"1": done.after, "latest": done.after}


def test_an_immutable_tag(scenario: StepScenario) -> None:
    """A moving tag that the registry never moves is a conflict; the version is published."""
    error = Conflict("it cannot be moved", reason="the registry never moves a tag", hint="--version NEW")

    outcome, _ = with_registry(tagged(scenario), scenario.push(), tag=Mock(side_effect=error))

    assert outcome.error
    assert outcome.error.exit_code == 4
    assert list(scenario.backend.published(scenario.repository)) == ["1"]


def test_a_version_published_during_the_push(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a moving tag shows that somebody else published the version just before, theirs is put back: exit code 4."""
    tagged(scenario)
    engine, labels, theirs = scenario.backend.engine, {VERSION_LABEL: "1"}, []
    push = engine.push

    def late(*arguments: Any, **options: Any) -> str | None:
        digest = push(*arguments, **options)
        theirs.append(scenario.backend.publish(scenario.repository, "latest", labels))
        return digest

    monkeypatch.setattr(engine, "push", late)
    outcome = scenario.real(scenario.push())

    assert isinstance(outcome.error, Conflict)
    assert theirs[0] in outcome.error.reason
    assert scenario.backend.published(scenario.repository) == {"1": theirs[0], "latest": theirs[0]}
    assert not scenario.world.ledger.entries()


def test_a_registry_out_of_reach(scenario: StepScenario) -> None:
    """A registry that does not answer is exit code 3, and unknown in check mode."""
    tagged(scenario)
    away = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")
    steps = (scenario.preflight(), scenario.push(), scenario.rollback("1"))
    for step in (dataclasses.replace(one, destination=away) for one in steps):
        check, real = scenario.check(step), scenario.real(step)

        assert (check.status, real.status) == (Status.UNKNOWN, Status.FAILED)
        assert [one.error and one.error.exit_code for one in (check, real)] == [3, 3]


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
