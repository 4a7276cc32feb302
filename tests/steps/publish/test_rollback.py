"""rollback: on the twin and on the real engine, with a real registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from seatrial.errors import Conflict, PushRefused, RegistryUnavailable, SeatrialError, StepFailed, UsageError
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import Notes
from seatrial.pipeline.step import Outcome, Status, converge
from seatrial.registry.model import Registry
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import short
from seatrial.steps.publish.rollback import Rollback
from tests.git import git
from tests.steps.road import go, released, statuses
from tests.steps.stage import Stage

LINE = ("1.4", "1", "latest")
"""The tags that move with 1.4.1 and 1.4.2."""


def two(stage: Stage) -> tuple[str, str]:
    """Release 1.4.1 and 1.4.2; give their digests."""
    return released(stage, "1.4.1"), released(stage, "1.4.2", "hello again")


def refused(stage: Stage, step: Rollback) -> SeatrialError:
    """Give the error of a rollback that fails in check mode as in the real run, and touches nothing."""
    before = stage.seen()
    check, real = stage.check(step), stage.real(step)
    assert stage.seen() == before
    assert (check.status, check.reason) == (real.status, real.reason)
    assert real.status is Status.FAILED
    assert real.error
    return real.error


def test_four_runs(stage: Stage) -> None:
    """The tags that move point back to the version by its digest; the newer version stays under its own tag."""
    older, newer = two(stage)
    here = stage.ground.images()

    done = stage.four_runs(stage.rollback("1.4.1"))

    assert stage.ground.published(stage.home) == {"1.4.2": newer} | dict.fromkeys(("1.4.1", *LINE), older)
    assert (done.before, done.after) == (newer, older)
    assert f"{stage.remote('1.4')}, :1 and :latest" in done.reason
    assert f"from {short(newer)} back to 1.4.1, {short(older)}" in done.reason
    assert stage.ground.images() == here


def test_when_no_image_is_here(stage: Stage, tmp_path: Path) -> None:
    """Neither images nor notes are needed: the registry has it all."""
    older, newer = two(stage)
    for image, _ in stage.ground.images():
        stage.ground.remove_image(image)
    stage = replace(stage, notes=Notes(tmp_path / "machine"))

    stage.four_runs(stage.rollback("1.4.1"))

    assert stage.ground.published(stage.home) == {"1.4.2": newer} | dict.fromkeys(("1.4.1", *LINE), older)
    assert stage.ground.images() == frozenset()


def test_the_ledger(stage: Stage) -> None:
    """What was moved is written down, with what was there before; a second rollback writes nothing."""
    older, newer = two(stage)
    released_from_here = stage.world.ledger.entries()

    stage.four_runs(stage.rollback("1.4.1"))

    *known, entry = stage.world.ledger.entries()
    assert tuple(known) == released_from_here
    assert (entry.action, entry.app, entry.version) == ("rollback", "web", "1.4.1")
    assert entry.repository == str(stage.destination.home)
    assert entry.digests == dict.fromkeys(LINE, older)
    assert entry.before == dict.fromkeys(LINE, newer)
    assert entry.builder == released_from_here[0].builder
    assert stage.image_id(stage.local("1.4.1")) in stage.ground.held(stage.home, "1.4")
    assert entry.who == stage.world.process.who


def test_forward_again(stage: Stage) -> None:
    """A release of the newer version moves the tags forward again, and sends nothing anew."""
    older = released(stage, "1.4.1")
    newer = released(stage, "1.4.2", "hello again", tested=True)
    stage.prepare(stage.rollback("1.4.1"))

    foretold = go(stage, stage.release("1.4.2"), check=True)
    done = go(stage, stage.release("1.4.2"), check=False)

    assert statuses(foretold) == statuses(done) == ["ok", "ok", "ok", "ok", "changed"]
    assert done.outcomes[-1].before == older
    assert stage.ground.published(stage.home) == {"1.4.1": older} | dict.fromkeys(("1.4.2", *LINE), newer)
    entry = stage.world.ledger.entries()[-1]
    assert (entry.action, dict(entry.digests)) == ("release", dict.fromkeys(LINE, newer))
    assert stage.check(stage.rollback("1.4.2")).status is Status.OK


def test_another_line_is_left_alone(stage: Stage) -> None:
    """The tags of other lines stay where they are."""
    other = released(stage, "1.3.9")
    older, newer = two(stage)

    stage.four_runs(stage.rollback("1.4.1"))

    assert stage.ground.published(stage.home) == {
        **dict.fromkeys(("1.3.9", "1.3"), other),
        **dict.fromkeys(("1.4.1", *LINE), older),
        "1.4.2": newer,
    }


def test_back_to_another_line(stage: Stage) -> None:
    """Back to a version of another line, the tags common to both move, and the newer line keeps its own."""
    other = released(stage, "1.3.9")
    _, newer = two(stage)

    done = stage.four_runs(stage.rollback("1.3.9"))

    published = stage.ground.published(stage.home)
    assert {published[tag] for tag in ("1.3.9", "1.3", "1", "latest")} == {other}
    assert (published["1.4"], published["1.4.2"]) == (newer, newer)
    assert f"{stage.remote('1')} and :latest" in done.reason


def test_a_missing_moving_tag(stage: Stage) -> None:
    """A tag that moves with the version and is not there is put there."""
    digest = released(stage, "1.4.1")
    stage = replace(stage, app=replace(stage.app, tags=(*stage.app.tags, "stable")))

    done = stage.four_runs(stage.rollback("1.4.1"))

    assert stage.ground.published(stage.home)["stable"] == digest
    assert (done.before, done.after) == (None, digest)
    assert stage.world.ledger.entries()[-1].before == {}


def test_a_version_of_its_own(stage: Stage) -> None:
    """`1` that was published as a version does not move with 1.4.1."""
    first = released(stage, "1")
    older, _ = two(stage)

    stage.four_runs(stage.rollback("1.4.1"))

    published = stage.ground.published(stage.home)
    assert published["1"] == first
    assert {published[tag] for tag in ("1.4.1", "1.4", "latest")} == {older}


def test_what_is_not_published(stage: Stage) -> None:
    """There is no way back to what the registry does not hold; the error says where to look."""
    two(stage)

    error = refused(stage, stage.rollback("1.4.0"))

    assert isinstance(error, StepFailed)
    assert error.exit_code == 1
    assert error.what == f"{stage.remote('1.4.0')} is not published"
    assert error.mend.startswith(f"invoke status --user {stage.app.project}")


def test_a_pre_release(stage: Stage) -> None:
    """No tag moves with a pre-release, so none goes back to it: exit code 2."""
    released(stage, "1.4.1-rc1")
    two(stage)

    error = refused(stage, stage.rollback("1.4.1-rc1"))

    assert isinstance(error, UsageError)
    assert error.exit_code == 2


def test_a_moving_tag(stage: Stage) -> None:
    """`1.4`, where it is a tag that moves, is no version to go back to: the error names the version it is."""
    two(stage)

    error = refused(stage, stage.rollback("1.4"))

    assert isinstance(error, UsageError)
    assert error.mend == "--to 1.4.2"


def test_uncommitted_changes(stage: Stage) -> None:
    """What was built with uncommitted changes moved no tag when it was pushed, and moves none back."""
    git(stage.app.context.parent, "init", "-q")
    released(stage, "1.4.1")

    error = refused(stage, stage.rollback("1.4.1"))

    assert isinstance(error, StepFailed)
    assert "uncommitted changes" in error.why


def test_what_is_not_as_it_was_released(stage: Stage) -> None:
    """Where somebody else has put other content under the version, nothing goes back to it: exit code 4."""
    older, _ = two(stage)
    strange = stage.ground.publish(stage.home, "1.4.1")

    error = refused(stage, stage.rollback("1.4.1"))

    assert isinstance(error, Conflict)
    assert error.exit_code == 4
    assert older in error.why
    assert strange in error.why


def test_credentials(guarded_stage: Stage) -> None:
    """Whom the registry does not know moves nothing."""
    assert isinstance(refused(guarded_stage, guarded_stage.rollback("1.4.1")), PushRefused)


def test_a_guarded_registry(guarded_stage: Stage) -> None:
    """With the kept password it goes as in an open one."""
    assert guarded_stage.ground.login
    guarded_stage.ground.keep(*guarded_stage.ground.login)
    older, _ = two(guarded_stage)

    assert guarded_stage.four_runs(guarded_stage.rollback("1.4.1")).after == older


def test_a_registry_out_of_reach(stage: Stage) -> None:
    """A registry that does not answer is exit code 3; check mode does not guess."""
    away = Destination(target=stage.app, user=stage.app.project, registry="localhost:1")
    step = replace(stage.rollback("1.4.1"), destination=away)

    check, real = stage.check(step), stage.real(step)

    assert (check.status, real.status) == (Status.UNKNOWN, Status.FAILED)
    for outcome in (check, real):
        assert isinstance(outcome.error, RegistryUnavailable)
        assert outcome.error.exit_code == 3


def test_a_tag_that_cannot_be_moved(stage: Stage) -> None:
    """What was moved is written down, what was not is an error, and the next run moves only the rest."""
    older, newer = two(stage)

    outcome = without_latest(stage, stage.rollback("1.4.1"))

    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, SeatrialError)
    published = stage.ground.published(stage.home)
    assert (published["1.4"], published["1"], published["latest"]) == (older, older, newer)
    assert dict(stage.world.ledger.entries()[-1].digests) == {"1.4": older, "1": older}

    again = stage.real(stage.rollback("1.4.1"))

    assert (again.status, again.before, again.after) == (Status.CHANGED, newer, older)
    assert dict(stage.world.ledger.entries()[-1].digests) == {"latest": older}


def without_latest(stage: Stage, step: Rollback) -> Outcome:
    """Give how a step comes out where the registry moves all but `latest`."""

    class Stubborn:
        behind = stage.ground.registry(stage.ground.host)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.behind, name)

        def point(self, reference: ImageReference, manifest: Any) -> None:
            """Move it, or fail."""
            if reference.tag == "latest":
                raise StepFailed("latest cannot be moved", why="it is stuck", mend="run it again")
            self.behind.point(reference, manifest)

    world = replace(stage.world, registry=lambda _: cast("Registry", Stubborn()))
    return converge(step, world, check=False, tell=lambda _: None)[0]
