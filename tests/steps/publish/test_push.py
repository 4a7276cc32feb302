"""push: in memory and on the real engine, to a real registry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from seatrial.errors import Conflict, RegistryUnavailable, StepFailed
from seatrial.events import Event, Transfer
from seatrial.model.app import Check
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.registry.model import Registry
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import prefixed_digest
from seatrial.steps.publish.push import Push
from tests.engine.memory.engine import MemoryEngine
from tests.steps.scenario import StepScenario


def ready(scenario: StepScenario, version: str = "1") -> None:
    """Build, test and tag a version."""
    scenario.prepare(scenario.build(version), scenario.smoke(version), scenario.tag(version))


def assert_untested(outcome: Outcome) -> None:
    """Assert that a push was refused for want of a smoke test."""
    assert isinstance(outcome.error, StepFailed)
    assert outcome.error.hint == "invoke smoke --version 1"


def test_four_runs(scenario: StepScenario) -> None:
    """The registry holds the image under its version and `latest`, and the outcome has the digest."""
    ready(scenario)

    done = scenario.four_runs(scenario.push())

    published = scenario.backend.published(scenario.repository)
    assert published == {"1": done.after, "latest": done.after}
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")


def test_a_second_push_sends_nothing(scenario: StepScenario) -> None:
    """What the registry holds is not pushed again: no layer is transferred."""
    ready(scenario)
    first, events = scenario.real(scenario.push()), list[Event]()

    second, _ = converge(scenario.push(), scenario.world, check=False, emit=events.append)

    assert second.status is Status.OK
    assert second.before == second.after == first.after
    assert not [event for event in events if isinstance(event, Transfer)]


def test_the_next_version(scenario: StepScenario) -> None:
    """A newer version moves `latest`, and the older version's tag stays as it is."""
    ready(scenario, "1")
    scenario.prepare(scenario.push("1"))
    older = scenario.backend.published(scenario.repository)["1"]
    scenario.set_reply("hello again")
    ready(scenario, "2")

    done = scenario.four_runs(scenario.push("2"))

    assert scenario.remote("2") in done.message
    assert ":latest from 1 to 2" in done.message
    assert done.before == older
    assert scenario.backend.published(scenario.repository) == {"1": older, "2": done.after, "latest": done.after}


def test_without_a_verdict(scenario: StepScenario) -> None:
    """An untested image is not pushed, in check mode and in the real run."""
    scenario.prepare(scenario.build(), scenario.tag())
    before = scenario.seen()

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert isinstance(real.error, StepFailed)
    assert real.error.hint == "invoke smoke --version 1"
    assert (check.status, check.message) == (real.status, real.message) == (Status.FAILED, real.error.message)
    assert scenario.seen() == before


def test_a_verdict_that_it_failed(scenario: StepScenario) -> None:
    """An image that failed its smoke test is not pushed."""
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build(), scenario.tag())
    assert scenario.real(scenario.smoke()).status is Status.FAILED

    assert_untested(scenario.real(scenario.push()))
    assert scenario.backend.published(scenario.repository) == {}


def test_a_verdict_about_other_checks(scenario: StepScenario) -> None:
    """A verdict about other checks than the settings' does not count."""
    ready(scenario)
    other = replace(scenario.app, checks=(Check(text="hello", path="/other"),))

    outcome = scenario.real(Push(target=other, version=Version("1"), destination=scenario.destination))

    assert_untested(outcome)
    assert scenario.backend.published(scenario.repository) == {}


def test_a_verdict_about_the_image_before(scenario: StepScenario) -> None:
    """A verdict belongs to an image id, not to a tag: a newer image has none."""
    ready(scenario)
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build(), scenario.tag())

    assert_untested(scenario.real(scenario.push()))
    assert scenario.backend.published(scenario.repository) == {}


def test_a_published_version_is_not_overwritten(scenario: StepScenario) -> None:
    """Other content under a published version is a conflict, and the registry stays as it is."""
    ready(scenario)
    scenario.prepare(scenario.push())
    before = scenario.backend.published(scenario.repository)
    scenario.set_reply("hello again")
    ready(scenario)

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert isinstance(real.error, Conflict)
    assert real.error.exit_code == 4
    assert before["1"] in real.error.reason
    assert (check.status, check.message) == (real.status, real.message)
    assert scenario.backend.published(scenario.repository) == before


def test_overwrite(scenario: StepScenario) -> None:
    """With `overwrite` other content replaces the published version."""
    ready(scenario)
    scenario.prepare(scenario.push())
    older = scenario.backend.published(scenario.repository)["1"]
    scenario.set_reply("hello again")
    ready(scenario)

    done = scenario.four_runs(scenario.push(overwrite=True))

    assert f"{scenario.remote()} (was {prefixed_digest(older)})" in done.message
    assert done.before == older != done.after
    assert scenario.backend.published(scenario.repository) == {"1": done.after, "latest": done.after}


def test_a_tag_that_points_elsewhere(scenario: StepScenario) -> None:
    """If somebody moved the tag in the engine, nothing is pushed, in check mode and in the real run."""
    ready(scenario)
    scenario.backend.put_image(scenario.remote())
    elsewhere = scenario.image_id(scenario.remote())
    before = scenario.seen()

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert isinstance(real.error, StepFailed)
    assert elsewhere
    assert elsewhere in real.error.reason
    assert real.error.hint.startswith(f"invoke tag --user {scenario.app.project}")
    assert (check.status, check.message) == (real.status, real.message) == (Status.FAILED, real.error.message)
    assert scenario.seen() == before


def test_without_a_tag(scenario: StepScenario) -> None:
    """An image that is not tagged for the registry is not pushed; the hint is the command to tag it."""
    scenario.prepare(scenario.build(), scenario.smoke())

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert real.error is not None
    assert scenario.remote() in real.error.reason
    assert real.error.hint.startswith(f"invoke tag --user {scenario.app.project}")
    assert (check.status, check.message) == (real.status, real.message)
    assert scenario.backend.published(scenario.repository) == {}


def test_a_registry_out_of_reach(scenario: StepScenario) -> None:
    """A registry that does not answer is exit code 3."""
    ready(scenario)
    unreachable = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")

    outcome = scenario.real(Push(target=scenario.app, version=Version("1"), destination=unreachable))

    assert isinstance(outcome.error, RegistryUnavailable)
    assert outcome.error.exit_code == 3


def test_a_push_that_did_not_arrive(scenario: StepScenario) -> None:
    """A push fails if the image is not in the registry, whatever the engine says."""

    class Forgetful(MemoryEngine):
        def push(self, *_: object, **__: object) -> None:
            """Report success, and push nothing."""

    ready(scenario)
    engine = Forgetful()
    engine._images = {image.id: image for image in scenario.backend.engine.images(scenario.app.labels)}

    outcome, _ = converge(scenario.push(), replace(scenario.world, engine=engine), check=False, emit=lambda _: None)

    assert isinstance(outcome.error, StepFailed)
    assert outcome.error.message == f"{scenario.remote()} was pushed but is not in the registry"
    assert outcome.error.reason == "the registry holds nothing under this tag"


def test_the_version_goes_first(scenario: StepScenario) -> None:
    """When the registry fails after the version was pushed, each tag is reported, and the next run does the rest."""
    ready(scenario)
    world, broken = scenario.world, _BrokenRegistry(scenario.backend.registry(scenario.backend.host))

    outcome, _ = converge(
        scenario.push(), replace(world, registry=lambda _: cast("Registry", broken)), check=False, emit=lambda _: None
    )

    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.exit_code == 1
    assert (outcome.error.message, outcome.error.reason) == ("1 tag could not be moved", "the connection broke")
    assert outcome.error.hint == "run it again: only what is missing is pushed"
    assert outcome.error.details[0].startswith(f"{scenario.remote()}: published, sha256:")
    assert outcome.error.details[1] == f"{scenario.remote('latest')}: not moved, the connection broke"
    assert list(scenario.backend.published(scenario.repository)) == ["1"]
    assert [list(one.digests) for one in world.ledger.entries()] == [["1"]]

    outcome = scenario.real(scenario.push())

    assert outcome.message.endswith(scenario.remote("latest"))
    assert sorted(scenario.backend.published(scenario.repository)) == ["1", "latest"]
    assert [list(one.digests) for one in world.ledger.entries()] == [["1"], ["latest"]]


class _BrokenRegistry:
    """A registry that fails to move any tag."""

    def __init__(self, behind: Registry) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def tag(self, reference: ImageReference, _: object) -> None:
        """Fail."""
        raise RegistryUnavailable(
            f"{reference.familiar} cannot be moved", reason="the connection broke", hint="run it again"
        )
