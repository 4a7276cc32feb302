"""preflight: on the twin and on the real engine, with a real registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.errors import Conflict, PushRefused, RegistryUnavailable
from seatrial.pipeline.state import Notes
from seatrial.pipeline.step import Outcome, Status
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.preflight import Preflight
from tests.steps.road import go, released, statuses
from tests.steps.stage import Stage

FETCHED = ["changed", "ok", "changed", "changed", "ok"]
"""How a release comes out where the image is published and not here: not built and not pushed."""


@pytest.fixture
def machine(tmp_path: Path) -> Notes:
    """The notes of a machine that has done nothing yet."""
    return Notes(tmp_path / "machine" / "notes")


def elsewhere(stage: Stage, notes: Notes) -> Stage:
    """Give the stage on a machine that has neither image nor notes."""
    if image := stage.image_id(stage.local()):
        stage.ground.remove_image(image)
    return replace(stage, notes=notes)


def on_a_published_base(stage: Stage) -> str:
    """Let the app start from an image that only the registry holds; give its name."""
    base = f"{stage.ground.host}/{stage.app.project}/base:1"
    stage.ground.publish(f"{stage.app.project}/base", "1")
    dockerfile = stage.app.context / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace(stage.ground.base, base))
    return base


def refused(stage: Stage, step: Preflight) -> Outcome:
    """Give how a step comes out that fails in check mode as in the real run, and touches nothing."""
    before = stage.seen()
    check, real = stage.check(step), stage.real(step)
    assert stage.seen() == before
    assert (check.status, check.reason) == (real.status, real.reason)
    assert real.status is Status.FAILED
    return real


def test_nothing_is_published(stage: Stage) -> None:
    """Where nothing is published there is nothing against it, and nothing is touched."""
    before = stage.seen()

    for outcome in (stage.check(stage.preflight()), stage.real(stage.preflight())):
        assert outcome.status is Status.OK
        assert outcome.reason == f"{stage.remote()} is not published yet"
    assert stage.seen() == before


def test_published_and_here(stage: Stage) -> None:
    """What is published from these inputs and here is fine, and the digest is what the step gives."""
    digest = released(stage, "1")

    for outcome in (stage.check(stage.preflight()), stage.real(stage.preflight())):
        assert outcome.status is Status.OK
        assert outcome.reason == f"{stage.remote()} is published, made from these inputs"
        assert outcome.before == outcome.after == digest


def test_four_runs_on_a_fresh_machine(stage: Stage, machine: Notes) -> None:
    """What is published from these inputs and not here is fetched by its digest, and becomes the version's image."""
    digest = released(stage, "1")
    published = stage.ground.published(stage.home)
    stage = elsewhere(stage, machine)

    done = stage.four_runs(stage.preflight())

    assert done.reason == f"{stage.remote()} is published, made from these inputs: it is fetched, not built again"
    assert (done.before, done.after) == (None, digest)
    assert stage.image_id(stage.local()) in stage.ground.held(stage.home, "1")
    assert stage.ground.published(stage.home) == published


def test_a_release_on_a_fresh_machine(stage: Stage, machine: Notes) -> None:
    """What is published already is smoked and tagged there, but not built and not pushed: the digests stay."""
    released(stage, "1")
    published = stage.ground.published(stage.home)
    stage = elsewhere(stage, machine)
    before = stage.seen()

    foretold = go(stage, stage.release(), check=True)
    assert stage.seen() == before
    done = go(stage, stage.release(), check=False)

    assert statuses(foretold) == statuses(done) == FETCHED, done.failure
    assert stage.ground.published(stage.home) == published
    (entry,) = stage.world.ledger.entries()
    assert (entry.action, entry.digests) == ("found", published)
    assert statuses(go(stage, stage.release(), check=False)) == ["ok"] * 5


def test_another_build_of_the_same_inputs(stage: Stage) -> None:
    """An image here that is made from the same inputs and is not the published one gives way to it."""
    digest = released(stage, "1", tested=True)
    published = stage.image_id(stage.local())
    stage.ground.put_image(stage.local(), {**stage.ground.labels(stage.local()), "built": "elsewhere"})
    another = stage.image_id(stage.local())

    done = stage.four_runs(stage.preflight())

    assert another != published
    assert (done.before, done.after) == (another, digest)
    assert stage.image_id(stage.local()) == published
    assert statuses(go(stage, stage.release(), check=False)) == ["ok"] * 5


def test_no_cache(stage: Stage, machine: Notes) -> None:
    """Whoever builds anew without the cache gets nothing fetched: the push will tell whether it is the same."""
    digest = released(stage, "1")
    stage = elsewhere(stage, machine)
    anew = replace(stage.app, build=replace(stage.app.build, no_cache=True))
    before = stage.seen()

    outcome = stage.real(replace(stage.preflight(), target=anew))

    assert (outcome.status, outcome.after) == (Status.OK, digest)
    assert stage.seen() == before


def test_other_inputs(stage: Stage) -> None:
    """A version that is published from other inputs is a conflict, exit code 4, that names the changed file."""
    digest = released(stage, "1")
    stage.say("hello again")

    outcome = refused(stage, stage.preflight())

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.exit_code == 4
    assert outcome.reason == f"{stage.remote()} is published with other content"
    assert outcome.error.why == f"the registry holds {digest}, made from other inputs: changed: app.py"
    assert "--overwrite" in outcome.error.mend


def test_other_inputs_on_a_fresh_machine(stage: Stage, machine: Notes) -> None:
    """Where nobody remembers what the published version was made from, it is a conflict without the file's name."""
    digest = released(stage, "1")
    stage.say("hello again")
    stage = elsewhere(stage, machine)

    outcome = refused(stage, stage.preflight())

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.why == f"the registry holds {digest}, made from other inputs"


def test_overwrite(stage: Stage) -> None:
    """With `overwrite` other content under the version is no conflict; nothing is fetched, and the reason says it."""
    digest = released(stage, "1")
    stage.say("hello again")
    before = stage.seen()

    outcome = stage.real(stage.preflight(overwrite=True))

    assert (outcome.status, outcome.after) == (Status.OK, digest)
    assert "--overwrite" in outcome.reason
    assert stage.seen() == before


def test_somebody_elses(stage: Stage) -> None:
    """An image under the version's name that Seatrial did not build is a conflict, and is not fetched."""
    digest = stage.ground.publish(stage.home, "1")

    outcome = refused(stage, stage.preflight())

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.why == f"the registry holds {digest}, which Seatrial did not build"


def test_a_moving_tag(stage: Stage) -> None:
    """A version whose name another version's moving tag has is a conflict that says so."""
    digest = released(stage, "1.4.2")

    outcome = refused(stage, stage.preflight("1.4"))

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.why.startswith(f"the registry holds {digest}, ")
    assert "1.4.2" in outcome.error.why


def test_without_credentials(guarded_stage: Stage) -> None:
    """A registry that wants to know who we are is told before anything is built, with what to type."""
    outcome = refused(guarded_stage, guarded_stage.preflight())

    assert isinstance(outcome.error, PushRefused)
    assert outcome.error.exit_code == 1
    assert outcome.error.mend.startswith("invoke login --user ")


def test_wrong_credentials(guarded_stage: Stage) -> None:
    """A password that the registry does not take is told before anything is built, and not shown."""
    guarded_stage.ground.keep("captain", "S3ntinel-wrong")

    outcome = refused(guarded_stage, guarded_stage.preflight())

    assert isinstance(outcome.error, PushRefused)
    assert "captain" in str(outcome.error)
    assert "S3ntinel" not in f"{outcome.error} {outcome.error.mend} {outcome.error.details}"


def test_right_credentials(guarded_stage: Stage, machine: Notes) -> None:
    """With the kept password the guarded registry is asked, and fetched from on a fresh machine."""
    assert guarded_stage.ground.login
    guarded_stage.ground.keep(*guarded_stage.ground.login)
    assert guarded_stage.real(guarded_stage.preflight()).status is Status.OK
    digest = released(guarded_stage, "1")
    stage = elsewhere(guarded_stage, machine)

    assert stage.four_runs(stage.preflight()).after == digest


def test_a_registry_out_of_reach(stage: Stage) -> None:
    """A registry that does not answer is exit code 3, and nothing is begun."""
    away = Destination(target=stage.app, user=stage.app.project, registry="localhost:1")
    before = stage.seen()

    report = go(stage, [replace(stage.preflight(), destination=away), *stage.release()[1:]], check=False)

    assert isinstance(report.failure, RegistryUnavailable)
    assert report.exit_code == 3
    assert statuses(report) == ["failed", *["skipped"] * 4]
    assert stage.seen() == before


def test_a_registry_out_of_reach_in_check_mode(stage: Stage) -> None:
    """Check mode does not guess what a registry out of reach holds, and tells all the rest: exit code 3."""
    away = Destination(target=stage.app, user=stage.app.project, registry="localhost:1")
    before = stage.seen()
    steps = (
        replace(stage.preflight(), destination=away),
        stage.build(),
        stage.smoke(),
        replace(stage.tag(), destination=away),
        replace(stage.push(), destination=away),
    )

    report = go(stage, steps, check=True)

    assert statuses(report) == ["unknown", "changed", "changed", "changed", "unknown"]
    assert (report.status, report.exit_code) == (Status.UNKNOWN, 3)
    assert stage.seen() == before


def test_a_base_image_that_is_not_here_yet(stage: Stage, machine: Notes) -> None:
    """Whether the inputs are the same only the base image tells: it is fetched first, and the published image then."""
    base = on_a_published_base(stage)
    digest = released(stage, "1")
    stage = elsewhere(stage, machine)
    stage.ground.remove_image(stage.image_id(base) or "")

    done = stage.four_runs(stage.preflight())

    assert base in done.reason
    assert done.after == digest
    assert stage.image_id(base)
    assert stage.image_id(stage.local()) in stage.ground.held(stage.home, "1")


def test_check_mode_without_the_base_image(stage: Stage, machine: Notes) -> None:
    """Where the base image is not here, check mode does not foretell a conflict that nobody can know of."""
    base = on_a_published_base(stage)
    released(stage, "1")
    stage = elsewhere(stage, machine)
    stage.ground.remove_image(stage.image_id(base) or "")

    foretold = go(stage, stage.release(), check=True)
    done = go(stage, stage.release(), check=False)

    assert statuses(done) == FETCHED
    assert statuses(foretold) == FETCHED, foretold.failure
