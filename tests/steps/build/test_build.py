"""build: on the twin and on the real engine."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from seatrial.errors import BuildFailed, UsageError
from seatrial.model.app import INPUTS_LABEL, BuildOptions
from seatrial.model.version import Version
from seatrial.pipeline.step import Status
from seatrial.steps.build.build import Build
from tests.steps.scenario import ONLY_DOCKER, StepScenario


def test_four_runs(scenario: StepScenario) -> None:
    """A build makes the image once; it carries project, app, version and the inputs' digest."""
    done = scenario.four_runs(scenario.build())

    assert done.reason == f"there is no {scenario.local()} yet"
    assert done.before is None
    assert done.after == scenario.image_id(scenario.local()) is not None
    labels = scenario.backend.labels(scenario.local())
    assert labels.items() >= {**scenario.app.labels, "seatrial.version": "1"}.items()
    assert labels[INPUTS_LABEL].startswith("sha256:")
    assert scenario.state.current("web") == done.after


def test_a_changed_file_is_named(scenario: StepScenario) -> None:
    """A file that changed is named, in check mode as in the real run, and a new image takes the name."""
    scenario.prepare(scenario.build())
    first = scenario.image_id(scenario.local())
    scenario.set_reply("hello again")

    done = scenario.four_runs(scenario.build())

    assert done.reason == "changed: app.py"
    assert done.before == first
    assert done.after == scenario.image_id(scenario.local()) != first


def test_added_and_removed_files_are_named(scenario: StepScenario) -> None:
    """What came and what went is told apart."""
    (scenario.app.context / "old.css").write_text("old")
    scenario.prepare(scenario.build())
    (scenario.app.context / "old.css").rename(scenario.app.context / "new.css")

    assert scenario.check(scenario.build()).reason == "added: new.css; removed: old.css"


def test_an_ignored_file_is_no_input(scenario: StepScenario) -> None:
    """What .dockerignore keeps at home changes nothing."""
    (scenario.app.context / ".dockerignore").write_text("*.log\n")
    scenario.prepare(scenario.build())
    (scenario.app.context / "today.log").write_text("noise")

    assert scenario.check(scenario.build()).status is Status.OK


def test_another_argument_is_named(scenario: StepScenario) -> None:
    """A build argument that is new in the settings is a reason to build."""
    scenario.prepare(scenario.build())
    other = replace(scenario.app, build=BuildOptions(arguments={"COLOUR": "red"}))

    assert scenario.check(Build(target=other, version=Version("1"))).reason == "added: argument COLOUR"


def test_another_version_of_the_same_inputs(scenario: StepScenario) -> None:
    """Another version is another image, and the one to go on with; the first one stays."""
    scenario.prepare(scenario.build("1"))
    first = scenario.image_id(scenario.local("1"))

    done = scenario.four_runs(scenario.build("2"))

    assert done.after == scenario.state.current("web") == scenario.image_id(scenario.local("2"))
    assert scenario.image_id(scenario.local("1")) == first != done.after


def test_an_older_version_becomes_current_again(scenario: StepScenario) -> None:
    """Building an older version of the same inputs again builds nothing, and is the image to go on with."""
    scenario.prepare(scenario.build("1"), scenario.build("2"))
    images = scenario.backend.images()
    newer = scenario.state.current("web")

    done = scenario.four_runs(scenario.build("1"))

    assert done.reason == f"{scenario.local('1')} is the image to go on with again"
    assert (done.before, done.after) == (newer, scenario.image_id(scenario.local("1")))
    assert scenario.backend.images() == images
    assert scenario.state.current("web") == scenario.image_id(scenario.local("1"))


def test_an_image_of_that_name_from_elsewhere(scenario: StepScenario) -> None:
    """An image that only has the right name is not taken for the app's."""
    scenario.backend.put_image(scenario.local())
    foreign = scenario.image_id(scenario.local())

    done = scenario.four_runs(scenario.build())

    assert done.reason == f"{scenario.local()} was not built by Seatrial"
    assert done.before == foreign != scenario.image_id(scenario.local())


def test_forgotten_notes_do_not_cause_a_build(scenario: StepScenario) -> None:
    """The inputs' digest is in the image: without notes there is nothing to do, and the image is found again."""
    scenario.prepare(scenario.build())
    shutil.rmtree(scenario.state.folder)

    assert scenario.check(scenario.build()).status is Status.OK


def test_forgotten_notes_name_no_file(scenario: StepScenario) -> None:
    """Without notes a change is still seen, though nobody can tell any more in which file."""
    scenario.prepare(scenario.build())
    shutil.rmtree(scenario.state.folder)
    scenario.set_reply("hello again")

    outcome = scenario.check(scenario.build())

    assert (outcome.status, outcome.reason) == (Status.CHANGED, "the inputs are not those it was built from")


@pytest.mark.parametrize("missing", ["context", "Dockerfile"])
def test_nothing_to_build_from(scenario: StepScenario, missing: str) -> None:
    """Without app folder or Dockerfile the build ends with exit code 2, before anything is touched."""
    if missing == "context":
        shutil.rmtree(scenario.app.context)
    else:
        scenario.app.dockerfile.unlink()
    before = scenario.seen()

    outcomes = scenario.check(scenario.build()), scenario.real(scenario.build())

    for outcome in outcomes:
        assert outcome.status is Status.FAILED
        assert isinstance(outcome.error, UsageError)
        assert outcome.error.exit_code == 2
        assert str(scenario.app.context) in outcome.error.message
    assert scenario.seen() == before


def test_a_dockerfile_without_from(scenario: StepScenario) -> None:
    """A Dockerfile that cannot be read is told with its line, before anything is touched."""
    scenario.app.dockerfile.write_text("COPY app.py /\n")
    before = scenario.seen()

    outcome = scenario.real(scenario.build())

    assert isinstance(outcome.error, UsageError)
    assert f"{scenario.app.dockerfile}:1: " in outcome.error.reason
    assert scenario.seen() == before


@ONLY_DOCKER
def test_a_dockerfile_that_fails(scenario: StepScenario) -> None:
    """A command that fails in the build ends it with the lines it printed, and no image takes the name."""
    broken = 'RUN ["python3", "-c", "print(\'the step broke\'); raise SystemExit(7)"]\n'
    scenario.app.dockerfile.write_text(f"FROM {scenario.backend.base}\n{broken}")

    outcome = scenario.real(scenario.build())

    assert isinstance(outcome.error, BuildFailed)
    assert "the step broke" in "\n".join(outcome.error.details)
    assert "7" in outcome.error.reason
    assert scenario.image_id(scenario.local()) is None
    assert scenario.state.current("web") is None
