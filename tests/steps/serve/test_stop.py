"""stop: on the engine in memory and on the real engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.errors import Conflict, ContainerFailed
from seatrial.pipeline.outcome import Status
from seatrial.steps.serve.volumes import VolumesDeleted
from tests.steps.scenario import ALSO_DOCKER, StepScenario


@ALSO_DOCKER
def test_four_runs(scenario: StepScenario) -> None:
    """The serving container is removed, and the image stays."""
    scenario.prepare(scenario.build(), scenario.serve())
    serving = scenario.container()
    images = scenario.backend.images()

    done = scenario.four_runs(scenario.stop())

    assert serving is not None
    assert (done.before, done.after) == (serving[0], None)
    assert scenario.backend.containers() == frozenset()
    assert scenario.served() is None
    assert scenario.backend.images() == images


def test_nothing_to_stop(scenario: StepScenario) -> None:
    """If nothing serves, nothing has to be done."""
    assert scenario.real(scenario.stop()).status is Status.OK


def test_an_ended_container_is_removed_too(scenario: StepScenario) -> None:
    """A container that ended by itself is removed."""
    scenario.prepare(scenario.build(), scenario.serve())
    ended = (scenario.container() or ("",))[0]
    scenario.backend.engine.stop(ended, grace=1)

    assert scenario.four_runs(scenario.stop()).before == ended
    assert scenario.backend.containers() == frozenset()


@ALSO_DOCKER
@pytest.mark.parametrize("ending", ["build", "run", "stop"])
def test_a_project_of_the_same_name(scenario: StepScenario, tmp_path: Path, ending: str) -> None:
    """What a project of the same name in another folder serves is left alone; one without the label is ours."""
    twin = replace(scenario, app=scenario.app.but(root=tmp_path / "other"))
    scenario.prepare(scenario.build(), scenario.serve())
    scenario.set_reply("hello from the twin")
    before = scenario.seen()

    outcome = twin.real({"build": twin.build(), "run": twin.serve(), "stop": twin.stop()}[ending])

    assert isinstance(outcome.error, Conflict)
    assert str(scenario.app.root) in outcome.error.reason
    assert "project: NAME" in outcome.error.hint
    assert scenario.seen() == before
    assert twin.app.owns(scenario.app.labels)


def test_somebody_elses_container_is_left_alone(scenario: StepScenario) -> None:
    """A container with the app's name that the project did not create is not stopped."""
    scenario.backend.put_container(scenario.app.container_name, {})
    before = scenario.seen()

    check, real = scenario.check(scenario.stop()), scenario.real(scenario.stop())

    assert isinstance(real.error, ContainerFailed)
    assert real.error.cause == "name-taken"
    assert (check.status, check.message) == (real.status, real.message)
    assert scenario.seen() == before


@ALSO_DOCKER
def test_data_is_kept(scenario: StepScenario) -> None:
    """A volume stays when the app stops, smoke does not use it, and only `down --volumes` deletes it."""
    kept = replace(scenario, app=scenario.app.but(volumes={"data": "/var/lib/web"}))
    name, engine = f"{kept.app.container_name}-data", kept.backend.engine
    kept.prepare(kept.build(), kept.smoke())
    assert engine.volume(name) is None

    kept.prepare(kept.serve(), kept.stop())

    assert kept.app.owns(engine.volume(name) or {})
    assert kept.four_runs(VolumesDeleted(target=kept.app)).before == name
    assert engine.volume(name) is None
