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
from tests.steps.stage import ONLY_DOCKER, Stage


def test_four_runs(stage: Stage) -> None:
    """A build makes the image once; it carries project, app, version and the inputs' digest."""
    done = stage.four_runs(stage.build())

    assert done.reason == f"there is no {stage.local()} yet"
    assert done.before is None
    assert done.after == stage.image_id(stage.local()) is not None
    labels = stage.ground.labels(stage.local())
    assert labels.items() >= {**stage.app.labels, "seatrial.version": "1"}.items()
    assert labels[INPUTS_LABEL].startswith("sha256:")
    assert stage.notes.current("web") == done.after


def test_a_changed_file_is_named(stage: Stage) -> None:
    """A file that changed is named, in check mode as in the real run, and a new image takes the name."""
    stage.prepare(stage.build())
    first = stage.image_id(stage.local())
    stage.say("hello again")

    done = stage.four_runs(stage.build())

    assert done.reason == "changed: app.py"
    assert done.before == first
    assert done.after == stage.image_id(stage.local()) != first


def test_added_and_removed_files_are_named(stage: Stage) -> None:
    """What came and what went is told apart."""
    (stage.app.context / "old.css").write_text("old")
    stage.prepare(stage.build())
    (stage.app.context / "old.css").rename(stage.app.context / "new.css")

    assert stage.check(stage.build()).reason == "added: new.css; removed: old.css"


def test_an_ignored_file_is_no_input(stage: Stage) -> None:
    """What .dockerignore keeps at home changes nothing."""
    (stage.app.context / ".dockerignore").write_text("*.log\n")
    stage.prepare(stage.build())
    (stage.app.context / "today.log").write_text("noise")

    assert stage.check(stage.build()).status is Status.OK


def test_another_argument_is_named(stage: Stage) -> None:
    """A build argument that is new in the settings is a reason to build."""
    stage.prepare(stage.build())
    other = replace(stage.app, build=BuildOptions(arguments={"COLOUR": "red"}))

    assert stage.check(Build(target=other, version=Version("1"))).reason == "added: argument COLOUR"


def test_another_version_of_the_same_inputs(stage: Stage) -> None:
    """Another version is another image, and the one to go on with; the first one stays."""
    stage.prepare(stage.build("1"))
    first = stage.image_id(stage.local("1"))

    done = stage.four_runs(stage.build("2"))

    assert done.after == stage.notes.current("web") == stage.image_id(stage.local("2"))
    assert stage.image_id(stage.local("1")) == first != done.after


def test_an_older_version_becomes_current_again(stage: Stage) -> None:
    """Building an older version of the same inputs again builds nothing, and is the image to go on with."""
    stage.prepare(stage.build("1"), stage.build("2"))
    images = stage.ground.images()
    newer = stage.notes.current("web")

    done = stage.four_runs(stage.build("1"))

    assert done.reason == f"{stage.local('1')} is the image to go on with again"
    assert (done.before, done.after) == (newer, stage.image_id(stage.local("1")))
    assert stage.ground.images() == images
    assert stage.notes.current("web") == stage.image_id(stage.local("1"))


def test_an_image_of_that_name_from_elsewhere(stage: Stage) -> None:
    """An image that only has the right name is not taken for the app's."""
    stage.ground.put_image(stage.local())
    foreign = stage.image_id(stage.local())

    done = stage.four_runs(stage.build())

    assert done.reason == f"{stage.local()} was not built by Seatrial"
    assert done.before == foreign != stage.image_id(stage.local())


def test_forgotten_notes_do_not_cause_a_build(stage: Stage) -> None:
    """The inputs' digest is in the image: without notes there is nothing to do, and the image is found again."""
    stage.prepare(stage.build())
    shutil.rmtree(stage.notes.folder)

    assert stage.check(stage.build()).status is Status.OK


def test_forgotten_notes_name_no_file(stage: Stage) -> None:
    """Without notes a change is still seen, though nobody can tell any more in which file."""
    stage.prepare(stage.build())
    shutil.rmtree(stage.notes.folder)
    stage.say("hello again")

    outcome = stage.check(stage.build())

    assert (outcome.status, outcome.reason) == (Status.CHANGED, "the inputs are not those it was built from")


@pytest.mark.parametrize("missing", ["context", "Dockerfile"])
def test_nothing_to_build_from(stage: Stage, missing: str) -> None:
    """Without app folder or Dockerfile the build ends with exit code 2, before anything is touched."""
    if missing == "context":
        shutil.rmtree(stage.app.context)
    else:
        stage.app.dockerfile.unlink()
    before = stage.seen()

    outcomes = stage.check(stage.build()), stage.real(stage.build())

    for outcome in outcomes:
        assert outcome.status is Status.FAILED
        assert isinstance(outcome.error, UsageError)
        assert outcome.error.exit_code == 2
        assert str(stage.app.context) in outcome.error.what
    assert stage.seen() == before


def test_a_dockerfile_without_from(stage: Stage) -> None:
    """A Dockerfile that cannot be read is told with its line, before anything is touched."""
    stage.app.dockerfile.write_text("COPY app.py /\n")
    before = stage.seen()

    outcome = stage.real(stage.build())

    assert isinstance(outcome.error, UsageError)
    assert f"{stage.app.dockerfile}:1: " in outcome.error.why
    assert stage.seen() == before


@ONLY_DOCKER
def test_a_dockerfile_that_fails(stage: Stage) -> None:
    """A command that fails in the build ends it with the lines it printed, and no image takes the name."""
    broken = 'RUN ["python3", "-c", "print(\'the mast broke\'); raise SystemExit(7)"]\n'
    stage.app.dockerfile.write_text(f"FROM {stage.ground.base}\n{broken}")

    outcome = stage.real(stage.build())

    assert isinstance(outcome.error, BuildFailed)
    assert "the mast broke" in "\n".join(outcome.error.details)
    assert "7" in outcome.error.why
    assert stage.image_id(stage.local()) is None
    assert stage.notes.current("web") is None
