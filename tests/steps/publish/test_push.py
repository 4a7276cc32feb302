"""push: on the twin and on the real engine, into a real registry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from seatrial.engine.memory.engine import MemoryEngine
from seatrial.errors import Conflict, RegistryUnavailable, StepFailed
from seatrial.events import Event, Transfer
from seatrial.model.app import Check
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.registry.model import Registry
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import short_digest
from seatrial.steps.publish.push import Push
from tests.steps.scenario import StepScenario


def ready(scenario: StepScenario, version: str = "1") -> None:
    """Have an image built, proved and tagged."""
    scenario.prepare(scenario.build(version), scenario.smoke(version), scenario.tag(version))


def test_four_runs(scenario: StepScenario) -> None:
    """The registry holds this very image under its version and `latest`, and the digest is what the step gives."""
    ready(scenario)

    done = scenario.four_runs(scenario.push())

    published = scenario.backend.published(scenario.repository)
    assert done.reason == f"the registry does not hold {scenario.remote()} and :latest yet"
    assert published == {"1": done.after, "latest": done.after}
    assert scenario.image_id(scenario.local()) in scenario.backend.image_ids(scenario.repository, "1")


def test_a_second_push_sends_nothing(scenario: StepScenario) -> None:
    """What the registry holds already is not sent again: not one layer is spoken of."""
    ready(scenario)
    first, events = scenario.real(scenario.push()), list[Event]()

    second, _ = converge(scenario.push(), scenario.world, check=False, emit=events.append)

    assert second.status is Status.OK
    assert second.reason == f"the registry holds it as {scenario.remote()} and :latest"
    assert second.before == second.after == first.after
    assert not [event for event in events if isinstance(event, Transfer)]


def test_a_missing_tag_is_sent_alone(scenario: StepScenario) -> None:
    """A newer version takes `latest` along, and the older version's tag stays as it is."""
    ready(scenario, "1")
    scenario.prepare(scenario.push("1"))
    older = scenario.backend.published(scenario.repository)["1"]
    scenario.set_reply("hello again")
    ready(scenario, "2")

    done = scenario.four_runs(scenario.push("2"))

    new, image = (
        f"the registry does not hold {scenario.remote('2')} yet",
        short_digest(scenario.image_id(scenario.local("2")) or ""),
    )
    assert done.reason == f"{new}; moves {scenario.remote('latest')}: {short_digest(older)} by image {image}"
    assert done.before == older
    assert scenario.backend.published(scenario.repository) == {"1": older, "2": done.after, "latest": done.after}


def test_without_a_verdict(scenario: StepScenario) -> None:
    """What has not passed its smoke test is not pushed, in check mode as in the real run."""
    scenario.prepare(scenario.build(), scenario.tag())
    before = scenario.seen()

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert isinstance(real.error, StepFailed)
    assert real.error.hint == "invoke smoke --version 1"
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.message)
    assert scenario.seen() == before


def test_a_verdict_that_it_failed(scenario: StepScenario) -> None:
    """An image that failed its smoke test is not pushed."""
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build(), scenario.tag())
    assert scenario.real(scenario.smoke()).status is Status.FAILED

    assert "has not passed" in str(scenario.real(scenario.push()).error)
    assert scenario.backend.published(scenario.repository) == {}


def test_a_verdict_about_other_checks(scenario: StepScenario) -> None:
    """A verdict about other checks than those of the settings is none."""
    ready(scenario)
    other = replace(scenario.app, checks=(Check(text="hello", path="/other"),))

    outcome = scenario.real(Push(target=other, version=Version("1"), destination=scenario.destination))

    assert "has not passed its smoke test" in str(outcome.error)
    assert scenario.backend.published(scenario.repository) == {}


def test_a_verdict_about_the_image_before(scenario: StepScenario) -> None:
    """A verdict belongs to an image id, not to a name: what was built since has none."""
    ready(scenario)
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build(), scenario.tag())

    assert "has not passed its smoke test" in str(scenario.real(scenario.push()).error)
    assert scenario.backend.published(scenario.repository) == {}


def test_a_published_version_is_not_overwritten(scenario: StepScenario) -> None:
    """Other content under a published version is a conflict, exit code 4, and the registry stays as it is."""
    ready(scenario)
    scenario.prepare(scenario.push())
    before = scenario.backend.published(scenario.repository)
    scenario.set_reply("hello again")
    ready(scenario)

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert isinstance(real.error, Conflict)
    assert real.error.exit_code == 4
    assert before["1"] in real.error.reason
    assert (check.status, check.reason) == (real.status, real.reason)
    assert scenario.backend.published(scenario.repository) == before


def test_overwrite(scenario: StepScenario) -> None:
    """With `overwrite` the other content goes over the published version."""
    ready(scenario)
    scenario.prepare(scenario.push())
    older = scenario.backend.published(scenario.repository)["1"]
    scenario.set_reply("hello again")
    ready(scenario)

    done = scenario.four_runs(scenario.push(overwrite=True))

    by = f"{short_digest(older)} by image {short_digest(scenario.image_id(scenario.local()) or '')}"
    assert done.reason == f"overwrites {scenario.remote()}: {by}; moves {scenario.remote('latest')}: {by}"
    assert done.before == older != done.after
    assert scenario.backend.published(scenario.repository) == {"1": done.after, "latest": done.after}


def test_a_name_that_points_elsewhere(scenario: StepScenario) -> None:
    """What somebody tagged meanwhile is not sent, in check mode as in the real run: only what passed is."""
    ready(scenario)
    scenario.backend.put_image(scenario.remote())
    elsewhere = scenario.image_id(scenario.remote())
    before = scenario.seen()

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert isinstance(real.error, StepFailed)
    assert real.error.message == f"{scenario.remote()} is not pushed"
    assert f"here it points to {elsewhere}, " in real.error.reason
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.message)
    assert scenario.seen() == before


def test_without_a_tag(scenario: StepScenario) -> None:
    """An image that has no name in the registry yet is not pushed; the error says what to type."""
    scenario.prepare(scenario.build(), scenario.smoke())

    check, real = scenario.check(scenario.push()), scenario.real(scenario.push())

    assert real.error is not None
    assert real.error.reason.startswith("here it points to nothing")
    assert real.error.hint.startswith(f"invoke tag --user {scenario.app.project}")
    assert (check.status, check.reason) == (real.status, real.reason)
    assert scenario.backend.published(scenario.repository) == {}


def test_a_registry_out_of_reach(scenario: StepScenario) -> None:
    """A registry that does not answer is exit code 3."""
    ready(scenario)
    nowhere = Destination(target=scenario.app, user=scenario.app.project, registry="localhost:1")

    outcome = scenario.real(Push(target=scenario.app, version=Version("1"), destination=nowhere))

    assert isinstance(outcome.error, RegistryUnavailable)
    assert outcome.error.exit_code == 3


def test_a_push_that_did_not_arrive(scenario: StepScenario) -> None:
    """The registry's word counts, not the engine's: what was sent and is not there has failed."""

    class Forgetful(MemoryEngine):
        def push(self, *_: object, **__: object) -> None:
            """Say that all went well, and send nothing."""

    ready(scenario)
    engine = Forgetful()
    engine._images = {image.id: image for image in scenario.backend.engine.images(scenario.app.labels)}

    outcome, _ = converge(scenario.push(), replace(scenario.world, engine=engine), check=False, emit=lambda _: None)

    assert outcome.error is not None
    assert outcome.error.message == f"{scenario.remote()} was sent and is not there"
    assert "nothing" in outcome.error.reason


def test_the_version_goes_first(scenario: StepScenario) -> None:
    """When the registry is lost after the version, it is the version that is there and not `latest`; told by tag."""
    ready(scenario)
    world, cut = scenario.world, _Cut(scenario.backend.registry(scenario.backend.host))

    outcome, _ = converge(
        scenario.push(), replace(world, registry=lambda _: cast("Registry", cut)), check=False, emit=lambda _: None
    )

    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.exit_code == 1
    assert outcome.error.message == "1 tag could not be moved"
    assert outcome.error.details[0].startswith(f"{scenario.remote()}: there, sha256:")
    assert outcome.error.details[1] == f"{scenario.remote('latest')}: not moved, the cable was cut"
    assert list(scenario.backend.published(scenario.repository)) == ["1"]
    assert [list(one.digests) for one in world.ledger.entries()] == [["1"]]

    outcome = scenario.real(scenario.push())

    assert outcome.reason == f"the registry does not hold {scenario.remote('latest')} yet"
    assert sorted(scenario.backend.published(scenario.repository)) == ["1", "latest"]
    assert [list(one.digests) for one in world.ledger.entries()] == [["1"], ["latest"]]


class _Cut:
    """A registry that moves no tag."""

    def __init__(self, behind: Registry) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def tag(self, reference: ImageReference, _: object) -> None:
        """Fail."""
        raise RegistryUnavailable(
            f"{reference.familiar} cannot be moved", reason="the cable was cut", hint="run it again"
        )
