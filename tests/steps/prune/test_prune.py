"""prune: what nobody needs goes, and everything that a rule keeps stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.cli.flags import PruneFlags
from seatrial.cli.playbook import Playbook
from seatrial.errors import UsageError
from seatrial.model.reference import ImageReference
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from seatrial.settings.settings import Settings
from seatrial.steps.prune.prune import Prune
from tests.steps.run_steps import released
from tests.steps.scenario import ALSO_DOCKER, StepScenario


def _build(scenario: StepScenario, *versions: str) -> None:
    """Build these versions, each with another page."""
    for number, version in enumerate(versions):
        scenario.set_reply(f"hello {version} {number}")
        scenario.prepare(scenario.build(version))


def _prune(scenario: StepScenario, keep: int = 1) -> Prune:
    return Prune(target=scenario.app, keep=keep)


def _versions(scenario: StepScenario) -> set[str]:
    """Return the versions that the engine has under their local names."""
    names = {name for _, tags in scenario.backend.images() for name in tags}
    return {name.rpartition(":")[2] for name in names if name.startswith(f"{scenario.app.repository.familiar}:")}


@ALSO_DOCKER
def test_superseded_images(scenario: StepScenario) -> None:
    """Images whose name a newer build took go, and versions beyond the newest ones; a second run has nothing to do."""
    _build(scenario, "1", "2", "3", "3")
    scenario.four_runs(_prune(scenario, keep=2))
    assert _versions(scenario) == {"2", "3"}
    assert len(scenario.backend.images()) == len({"2", "3"})


def test_what_a_container_uses(scenario: StepScenario) -> None:
    """An image stays as long as a container uses it, running or not."""
    _build(scenario, "1")
    scenario.prepare(scenario.serve("1"))
    _build(scenario, "2", "3")
    scenario.prepare(_prune(scenario))
    assert _versions(scenario) == {"1", "3"}
    scenario.prepare(scenario.stop(), _prune(scenario))
    assert _versions(scenario) == {"3"}


def test_what_was_built_last(scenario: StepScenario) -> None:
    """The image that the next command works on stays, even without any version to keep."""
    _build(scenario, "1", "2")
    scenario.set_reply("hello 1 0")
    scenario.prepare(scenario.build("1"), _prune(scenario, keep=0))  # made current again
    assert _versions(scenario) == {"1"}


def test_releases(scenario: StepScenario) -> None:
    """The last releases stay, and what the moving tags point to after a rollback."""
    scenario.set_reply("hello")
    for version in ("1.0", "1.1", "1.2"):
        scenario.prepare(*scenario.release(version))
    scenario.prepare(scenario.rollback("1.0"))
    _build(scenario, "dev")
    scenario.prepare(_prune(scenario))
    assert _versions(scenario) == {"1.0", "1.2", "dev"}  # 1.2 still has the moving tags in the engine


def test_the_next_push(scenario: StepScenario) -> None:
    """The newest image that passed its smoke test stays until it is published; an older one does not."""
    for version in ("1", "2"):
        _build(scenario, version)
        scenario.set_reply("hello")
        scenario.prepare(scenario.build(version), scenario.smoke(version))
    _build(scenario, "3", "4")
    scenario.prepare(_prune(scenario))
    assert _versions(scenario) == {"2", "4"}


def test_a_name_of_its_own(scenario: StepScenario) -> None:
    """An image that somebody tagged by hand stays."""
    _build(scenario, "1")
    mine = ImageReference.parse(f"{scenario.app.project}/mine:before")
    scenario.backend.engine.tag(str(scenario.image_id(scenario.local("1"))), mine)
    _build(scenario, "2", "3")
    scenario.prepare(_prune(scenario))
    assert _versions(scenario) == {"1", "3"}


def test_another_folder(scenario: StepScenario, tmp_path: Path) -> None:
    """What a project of the same name in another folder built is left alone, and this is said."""
    _build(scenario, "1", "2", "3")
    elsewhere = replace(scenario, state=StateFolder(tmp_path / "elsewhere"))
    done = elsewhere.real(_prune(elsewhere))
    assert (done.status, len(done.notes)) == (Status.OK, 1)
    assert _versions(scenario) == {"1", "2", "3"}


def test_a_name_that_moved_meanwhile(scenario: StepScenario) -> None:
    """A name that another build has taken since the plan is not removed."""
    _build(scenario, "1", "2", "3")
    step, world = _prune(scenario, keep=2), scenario.world
    plan = step.plan(world)
    engine = scenario.backend.engine
    engine.tag(str(scenario.image_id(scenario.local("3"))), ImageReference.parse(scenario.local("1")))
    step.apply(world, plan, lambda _: None)  # type: ignore[arg-type]  # a change: 1 is to be removed
    assert _versions(scenario) == {"1", "2", "3"}
    assert len(scenario.backend.images()) == 2


@pytest.mark.parametrize("keep", ["x", "-1", "1.5", "", "²", "99999"])
def test_keep_is_a_whole_number(keep: str, tmp_path: Path) -> None:
    """Anything else is wrong use."""
    with pytest.raises(UsageError):
        Playbook(settings=Settings.load({}, tmp_path)).prune(PruneFlags(keep=keep))


def test_two_environments(scenario: StepScenario) -> None:
    """What each environment released last stays, and what is live in its repository, however often others release."""
    app = scenario.app.but(
        settings_environment="staging", repository=ImageReference.parse(f"{scenario.app.project}/web-staging")
    )
    staging = replace(scenario, app=app, state=StateFolder(scenario.state.folder, "staging"))
    for where, version in ((scenario, "1"), (scenario, "2"), (staging, "3"), (staging, "4")):
        released(where, version, f"hello {version}")
        if version == "2":
            scenario.prepare(scenario.rollback("1"))
    _build(scenario, "dev")

    scenario.prepare(_prune(scenario))

    assert _versions(scenario) == {"1", "2", "dev"}  # 2 still has the moving tags in the engine
