"""rollback: in memory and on the real engine, with a real registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from seatrial.errors import Conflict, PushRefused, RegistryUnavailable, SeatrialError, StepFailed, UsageError
from seatrial.model.reference import ImageReference
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.state import StateFolder
from seatrial.registry.model import Registry
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.rollback import Rollback
from tests.git import git
from tests.steps.run_steps import go, released, statuses
from tests.steps.scenario import StepScenario

LINE = ("1.4", "1", "latest")
"""The tags that move with 1.4.1 and 1.4.2."""


def two(scenario: StepScenario) -> tuple[str, str]:
    """Release 1.4.1 and 1.4.2, and return their digests."""
    return released(scenario, "1.4.1"), released(scenario, "1.4.2", "hello again")


def refused(scenario: StepScenario, step: Rollback) -> SeatrialError:
    """Return the error of a rollback that fails in check mode and in the real run, and changes nothing."""
    before = scenario.seen()
    check, real = scenario.check(step), scenario.real(step)
    assert scenario.seen() == before
    assert (check.status, check.message) == (real.status, real.message)
    assert real.status is Status.FAILED
    assert real.error
    return real.error


def test_four_runs(scenario: StepScenario) -> None:
    """The moving tags point back to the version's digest; the newer version stays under its own tag."""
    older, newer = two(scenario)
    here = scenario.backend.images()

    done = scenario.four_runs(scenario.rollback("1.4.1"))

    assert scenario.backend.published(scenario.repository) == {"1.4.2": newer} | dict.fromkeys(("1.4.1", *LINE), older)
    assert (done.before, done.after) == (newer, older)
    assert f"{scenario.remote('1.4')}, :1 and :latest from 1.4.2" in done.message
    assert scenario.backend.images() == here


def test_without_image_and_state(scenario: StepScenario, tmp_path: Path) -> None:
    """Neither images nor the state folder are needed: the registry has everything."""
    older, newer = two(scenario)
    for image, _ in scenario.backend.images():
        scenario.backend.remove_image(image)
    scenario = replace(scenario, state=StateFolder(tmp_path / "machine"))

    scenario.four_runs(scenario.rollback("1.4.1"))

    assert scenario.backend.published(scenario.repository) == {"1.4.2": newer} | dict.fromkeys(("1.4.1", *LINE), older)
    assert scenario.backend.images() == frozenset()


def test_the_ledger(scenario: StepScenario) -> None:
    """A rollback is recorded with the digests from before; a second rollback records nothing."""
    older, newer = two(scenario)
    released_from_here = scenario.world.ledger.entries()

    scenario.four_runs(scenario.rollback("1.4.1"))

    *known, entry = scenario.world.ledger.entries()
    assert tuple(known) == released_from_here
    assert (entry.action, entry.app, entry.version) == ("rollback", "web", "1.4.1")
    assert entry.repository == str(scenario.destination.repository)
    assert entry.digests == dict.fromkeys(LINE, older)
    assert entry.before == dict.fromkeys(LINE, newer)
    assert entry.builder == released_from_here[0].builder
    assert scenario.image_id(scenario.local("1.4.1")) in scenario.backend.image_ids(scenario.repository, "1.4")
    assert entry.who == scenario.world.process.who


def test_forward_again(scenario: StepScenario) -> None:
    """A release of the newer version moves the tags forward again, and pushes nothing else."""
    older = released(scenario, "1.4.1")
    newer = released(scenario, "1.4.2", "hello again", tested=True)
    scenario.prepare(scenario.rollback("1.4.1"))

    planned = go(scenario, scenario.release("1.4.2"), check=True)
    done = go(scenario, scenario.release("1.4.2"), check=False)

    assert statuses(planned) == statuses(done) == ["ok", "ok", "ok", "ok", "changed"]
    assert done.outcomes[-1].before == older
    assert scenario.backend.published(scenario.repository) == {"1.4.1": older} | dict.fromkeys(("1.4.2", *LINE), newer)
    entry = scenario.world.ledger.entries()[-1]
    assert (entry.action, dict(entry.digests)) == ("release", dict.fromkeys(LINE, newer))
    assert scenario.check(scenario.rollback("1.4.2")).status is Status.OK


def test_another_line_is_left_alone(scenario: StepScenario) -> None:
    """The tags of other lines stay where they are."""
    other = released(scenario, "1.3.9")
    older, newer = two(scenario)

    scenario.four_runs(scenario.rollback("1.4.1"))

    assert scenario.backend.published(scenario.repository) == {
        **dict.fromkeys(("1.3.9", "1.3"), other),
        **dict.fromkeys(("1.4.1", *LINE), older),
        "1.4.2": newer,
    }


def test_back_to_another_line(scenario: StepScenario) -> None:
    """Back to a version of another line, the tags that both lines share move; the others stay."""
    other = released(scenario, "1.3.9")
    _, newer = two(scenario)

    done = scenario.four_runs(scenario.rollback("1.3.9"))

    published = scenario.backend.published(scenario.repository)
    assert {published[tag] for tag in ("1.3.9", "1.3", "1", "latest")} == {other}
    assert (published["1.4"], published["1.4.2"]) == (newer, newer)
    assert f"{scenario.remote('1')} and :latest" in done.message


def test_a_missing_moving_tag(scenario: StepScenario) -> None:
    """A missing moving tag is created."""
    digest = released(scenario, "1.4.1")
    scenario = replace(scenario, app=replace(scenario.app, tags=(*scenario.app.tags, "stable")))

    done = scenario.four_runs(scenario.rollback("1.4.1"))

    assert scenario.backend.published(scenario.repository)["stable"] == digest
    assert (done.before, done.after) == (None, digest)
    assert scenario.world.ledger.entries()[-1].before == {}


def test_a_version_of_its_own(scenario: StepScenario) -> None:
    """`1` that was published as a version does not move with 1.4.1."""
    first = released(scenario, "1")
    older, _ = two(scenario)

    scenario.four_runs(scenario.rollback("1.4.1"))

    published = scenario.backend.published(scenario.repository)
    assert published["1"] == first
    assert {published[tag] for tag in ("1.4.1", "1.4", "latest")} == {older}


def test_a_version_that_is_not_published(scenario: StepScenario) -> None:
    """A version that is not published is an error, whose hint shows what is."""
    two(scenario)

    error = refused(scenario, scenario.rollback("1.4.0"))

    assert isinstance(error, StepFailed)
    assert error.exit_code == 1
    assert scenario.remote("1.4.0") in error.reason
    assert error.hint.startswith(f"invoke status --user {scenario.app.project}")


def test_a_pre_release(scenario: StepScenario) -> None:
    """A pre-release has no moving tags, so a rollback to it is exit code 2."""
    released(scenario, "1.4.1-rc1")
    two(scenario)

    error = refused(scenario, scenario.rollback("1.4.1-rc1"))

    assert isinstance(error, UsageError)
    assert error.exit_code == 2


def test_a_moving_tag(scenario: StepScenario) -> None:
    """A rollback to a moving tag such as `1.4` is an error, which names its version."""
    two(scenario)

    error = refused(scenario, scenario.rollback("1.4"))

    assert isinstance(error, UsageError)
    assert error.hint == "--to 1.4.2"


def test_uncommitted_changes(scenario: StepScenario) -> None:
    """An image with uncommitted changes has no moving tags, so there is no rollback to it."""
    git(scenario.app.context.parent, "init", "-q")
    released(scenario, "1.4.1")

    error = refused(scenario, scenario.rollback("1.4.1"))

    assert isinstance(error, StepFailed)
    assert error.hint.startswith(f"invoke status --user {scenario.app.project}")


def test_a_version_that_was_overwritten(scenario: StepScenario) -> None:
    """If somebody else has overwritten the version, a rollback to it is a conflict."""
    older, _ = two(scenario)
    strange = scenario.backend.publish(scenario.repository, "1.4.1")

    error = refused(scenario, scenario.rollback("1.4.1"))

    assert isinstance(error, Conflict)
    assert error.exit_code == 4
    assert older in error.reason
    assert strange in error.reason


def test_credentials(guarded_scenario: StepScenario) -> None:
    """Without a login nothing is moved."""
    assert isinstance(refused(guarded_scenario, guarded_scenario.rollback("1.4.1")), PushRefused)


def test_a_guarded_registry(guarded_scenario: StepScenario) -> None:
    """With the saved password a rollback works as in an open registry."""
    assert guarded_scenario.backend.login
    guarded_scenario.backend.save_login(*guarded_scenario.backend.login)
    older, _ = two(guarded_scenario)

    assert guarded_scenario.four_runs(guarded_scenario.rollback("1.4.1")).after == older


def test_a_registry_out_of_reach(scenario: StepScenario) -> None:
    """A registry that does not answer is exit code 3, and unknown in check mode."""
    unreachable = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")
    step = replace(scenario.rollback("1.4.1"), destination=unreachable)

    check, real = scenario.check(step), scenario.real(step)

    assert (check.status, real.status) == (Status.UNKNOWN, Status.FAILED)
    for outcome in (check, real):
        assert isinstance(outcome.error, RegistryUnavailable)
        assert outcome.error.exit_code == 3


def test_a_tag_that_cannot_be_moved(scenario: StepScenario) -> None:
    """The moved tags are recorded, the others are an error, and the next run moves only these."""
    older, newer = two(scenario)

    outcome = without_latest(scenario, scenario.rollback("1.4.1"))

    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, SeatrialError)
    published = scenario.backend.published(scenario.repository)
    assert (published["1.4"], published["1"], published["latest"]) == (older, older, newer)
    assert dict(scenario.world.ledger.entries()[-1].digests) == {"1.4": older, "1": older}

    again = scenario.real(scenario.rollback("1.4.1"))

    assert (again.status, again.before, again.after) == (Status.CHANGED, newer, older)
    assert dict(scenario.world.ledger.entries()[-1].digests) == {"latest": older}


def without_latest(scenario: StepScenario, step: Rollback) -> Outcome:
    """Run a step with a registry that moves all tags but `latest`, and return the outcome."""

    class Stubborn:
        behind = scenario.backend.registry(scenario.backend.host)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.behind, name)

        def tag(self, reference: ImageReference, manifest: Any) -> None:
            """Move it, or fail."""
            if reference.tag == "latest":
                raise StepFailed("latest cannot be moved", reason="it is stuck", hint="run it again")
            self.behind.tag(reference, manifest)

    world = replace(scenario.world, registry=lambda _: cast("Registry", Stubborn()))
    return converge(step, world, check=False, emit=lambda _: None)[0]
