"""build: in memory and on the real engine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from seatrial.engine.model import BuildRequest
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, UsageError
from seatrial.model.app import INPUTS_LABEL, App
from seatrial.model.version import Version
from seatrial.pipeline.hook import Hook
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.step import Change, Step
from seatrial.pipeline.world import Answers
from seatrial.sources.context import Context
from seatrial.steps.build.files import look
from seatrial.steps.build.plan import BuildPlan
from seatrial.wording import short_digest
from tests.steps.run_steps import go, statuses
from tests.steps.scenario import ALSO_DOCKER, StepScenario


@ALSO_DOCKER
def test_four_runs(scenario: StepScenario) -> None:
    """An image is built once, and is the outcome's; its labels name project, app, version and the inputs' digest."""
    done = scenario.four_runs(scenario.build())

    assert done.before is None
    image = done.results.image
    assert (image and image.id, image and image.name) == (done.after, scenario.local())
    assert done.after == scenario.image_id(scenario.local()) is not None
    labels = scenario.backend.labels(scenario.local())
    assert labels.items() >= {**scenario.app.labels, "seatrial.version": "1"}.items()
    assert labels[INPUTS_LABEL].startswith("sha256:")
    assert scenario.state.current("web") == done.after


def test_a_changed_file_is_named(scenario: StepScenario) -> None:
    """A changed file is named, in check mode and in the real run, and a new image gets the tag."""
    scenario.prepare(scenario.build())
    first = scenario.image_id(scenario.local())
    scenario.set_reply("hello again")

    done = scenario.four_runs(scenario.build())

    assert "app.py" in done.reason
    assert done.before == first
    assert done.after == scenario.image_id(scenario.local()) != first
    assert first
    told = [note for note in done.notes if short_digest(first) in note]
    assert ["invoke prune" in note for note in told] == [True]


def test_files_that_a_hook_writes(scenario: StepScenario) -> None:
    """What a hook writes before the build is built, and then there is nothing to do, for the hook neither."""

    def steps() -> tuple[Step, ...]:
        build = scenario.build()
        hook = Hook(task="assets", step=build, before=True, call=lambda: scenario.set_reply("from a hook"))
        return (scenario.preflight(), hook, build)

    built, again = (go(scenario, steps(), check=False) for _ in range(2))

    assert (statuses(built), statuses(again)) == (["ok", "changed", "changed"], ["ok", "skipped", "ok"])


def test_a_look_in_another_process(scenario: StepScenario) -> None:
    """What another process has seen ahead is taken: nothing new, a change, or an error, which is found again here."""
    app, state, files = scenario.app, scenario.state, scenario.state.file_digests("web")

    def inputs() -> Mapping[str, str]:
        seen = _look(app, state)
        files.ahead = lambda: seen
        return BuildPlan.of(app, Version("1"), replace(scenario.world, files=Answers())).inputs.parts

    before = inputs()
    time.sleep(0.1)  # until the files are no longer new
    assert inputs() == before
    assert _look(app, state) == b""
    scenario.set_reply("hello again")
    assert inputs()["file app.py"] != before["file app.py"]
    (app.context / ".env").touch()
    assert _look(app, state) is None
    with pytest.raises(UsageError, match="should not be in an image"):
        inputs()


def _look(app: App, state: StateFolder) -> bytes | None:
    """Return what another process would."""
    try:
        return look(app, state)
    except UsageError:
        return None


def test_seatrial_s_own_files_are_no_input(scenario: StepScenario) -> None:
    """Settings and reports do not cause a build, unless the Dockerfile names them."""
    context = scenario.app.context
    state = StateFolder(context / ".seatrial")
    settings, report = context / "invoke.yaml", context / "smoke.xml"

    def plan() -> BuildPlan:
        return BuildPlan.of(scenario.app, Version("1"), replace(scenario.world, state=state))

    before = plan().inputs.digest
    for path in (settings, report):
        path.write_text("x")
    state.save_report(report)
    assert plan().inputs.digest == before
    with scenario.app.dockerfile.open("a") as file:
        file.write("COPY invoke.yaml /\n")
    assert {"invoke.yaml", "smoke.xml"} & plan().context.entries.keys() == {"invoke.yaml"}


def test_an_older_version_becomes_current_again(scenario: StepScenario) -> None:
    """Another version is another image; building the older one again builds nothing, but makes its image current."""
    scenario.prepare(scenario.build("1"))
    older = scenario.image_id(scenario.local("1"))
    newer = scenario.four_runs(scenario.build("2")).after
    images = scenario.backend.images()
    assert scenario.state.current("web") == newer == scenario.image_id(scenario.local("2")) != older

    done = scenario.four_runs(scenario.build("1"))

    assert (done.before, done.after) == (newer, older)
    assert scenario.backend.images() == images
    assert scenario.state.current("web") == older


def test_a_missing_state_folder_does_not_cause_a_build(scenario: StepScenario) -> None:
    """The image itself holds its inputs' digest: without the state folder it is still up to date."""
    scenario.prepare(scenario.build())
    shutil.rmtree(scenario.state.folder)

    assert scenario.check(scenario.build()).status is Status.OK
    scenario.set_reply("hello again")
    outcome = scenario.check(scenario.build())
    assert outcome.status is Status.CHANGED
    assert outcome.reason
    assert "app.py" not in outcome.reason


def test_a_file_that_disappears(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a file goes while the context is read, all is read once more; the second time it is an error."""
    left = [scenario.app.context / name for name in ("a", "b", "c")]
    real = Context.read

    def read(*where: Any, **own: Any) -> Context:
        context = real(*where, **own)
        left.pop().unlink()
        return context

    for path in left:
        path.write_text("x")
    monkeypatch.setattr(Context, "read", read)
    with pytest.raises(UsageError, match="cannot be read"):
        BuildPlan.of(scenario.app, Version("1"), scenario.world)
    assert [path.name for path in left] == ["a"]


def test_a_file_that_grows_during_the_run(scenario: StepScenario) -> None:
    """In one run the files count as they were at the first look; the next run sees what has changed since."""
    step, world = scenario.build(), scenario.world
    plan = step.plan(world)
    assert isinstance(plan, Change)

    (scenario.app.context / "new.log").write_text("written while the plan was made")
    again = step.plan(world)

    assert isinstance(again, Change)
    assert again.planned.images[0].labels == plan.planned.images[0].labels
    later = step.plan(scenario.world)
    assert isinstance(later, Change)
    assert later.planned.images[0].labels != plan.planned.images[0].labels


def test_another_folder_builds_the_version_at_the_same_time(
    scenario: StepScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build whose name another folder's build takes before it can be looked at ends with exit code 4."""
    engine = scenario.world.engine
    build = engine.build

    def both(request: BuildRequest, emit: Emit) -> str:
        build(request, emit)
        return build(replace(request, labels={**request.labels, INPUTS_LABEL: "sha256:other"}), emit)

    monkeypatch.setattr(engine, "build", both)
    outcome = scenario.real(scenario.build())
    assert isinstance(outcome.error, Conflict)
    assert scenario.state.current("web") is None
