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
from seatrial.pipeline.step import Status, converge
from seatrial.registry.model import Registry
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import short
from seatrial.steps.publish.push import Push
from tests.steps.stage import Stage


def ready(stage: Stage, version: str = "1") -> None:
    """Have an image built, proved and tagged."""
    stage.prepare(stage.build(version), stage.smoke(version), stage.tag(version))


def test_four_runs(stage: Stage) -> None:
    """The registry holds this very image under its version and `latest`, and the digest is what the step gives."""
    ready(stage)

    done = stage.four_runs(stage.push())

    published = stage.ground.published(stage.home)
    assert done.reason == f"the registry does not hold {stage.remote()} and :latest yet"
    assert published == {"1": done.after, "latest": done.after}
    assert stage.image_id(stage.local()) in stage.ground.held(stage.home, "1")


def test_a_second_push_sends_nothing(stage: Stage) -> None:
    """What the registry holds already is not sent again: not one layer is spoken of."""
    ready(stage)
    first, told = stage.real(stage.push()), list[Event]()

    second, _ = converge(stage.push(), stage.world, check=False, tell=told.append)

    assert second.status is Status.OK
    assert second.reason == f"the registry holds it as {stage.remote()} and :latest"
    assert second.before == second.after == first.after
    assert not [event for event in told if isinstance(event, Transfer)]


def test_a_missing_tag_is_sent_alone(stage: Stage) -> None:
    """A newer version takes `latest` along, and the older version's tag stays as it is."""
    ready(stage, "1")
    stage.prepare(stage.push("1"))
    older = stage.ground.published(stage.home)["1"]
    stage.say("hello again")
    ready(stage, "2")

    done = stage.four_runs(stage.push("2"))

    new, image = f"the registry does not hold {stage.remote('2')} yet", short(stage.image_id(stage.local("2")) or "")
    assert done.reason == f"{new}; moves {stage.remote('latest')}: {short(older)} by image {image}"
    assert done.before == older
    assert stage.ground.published(stage.home) == {"1": older, "2": done.after, "latest": done.after}


def test_without_a_verdict(stage: Stage) -> None:
    """What has not passed its smoke test is not pushed, in check mode as in the real run."""
    stage.prepare(stage.build(), stage.tag())
    before = stage.seen()

    check, real = stage.check(stage.push()), stage.real(stage.push())

    assert isinstance(real.error, StepFailed)
    assert real.error.mend == "invoke smoke --version 1"
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.what)
    assert stage.seen() == before


def test_a_verdict_that_it_failed(stage: Stage) -> None:
    """An image that failed its smoke test is not pushed."""
    stage.say("goodbye")
    stage.prepare(stage.build(), stage.tag())
    assert stage.real(stage.smoke()).status is Status.FAILED

    assert "has not passed" in str(stage.real(stage.push()).error)
    assert stage.ground.published(stage.home) == {}


def test_a_verdict_about_other_checks(stage: Stage) -> None:
    """A verdict about other checks than those of the settings is none."""
    ready(stage)
    other = replace(stage.app, checks=(Check(text="hello", path="/other"),))

    outcome = stage.real(Push(target=other, version=Version("1"), destination=stage.destination))

    assert "has not passed its smoke test" in str(outcome.error)
    assert stage.ground.published(stage.home) == {}


def test_a_verdict_about_the_image_before(stage: Stage) -> None:
    """A verdict belongs to an image id, not to a name: what was built since has none."""
    ready(stage)
    stage.say("hello again")
    stage.prepare(stage.build(), stage.tag())

    assert "has not passed its smoke test" in str(stage.real(stage.push()).error)
    assert stage.ground.published(stage.home) == {}


def test_a_published_version_is_not_overwritten(stage: Stage) -> None:
    """Other content under a published version is a conflict, exit code 4, and the registry stays as it is."""
    ready(stage)
    stage.prepare(stage.push())
    before = stage.ground.published(stage.home)
    stage.say("hello again")
    ready(stage)

    check, real = stage.check(stage.push()), stage.real(stage.push())

    assert isinstance(real.error, Conflict)
    assert real.error.exit_code == 4
    assert before["1"] in real.error.why
    assert (check.status, check.reason) == (real.status, real.reason)
    assert stage.ground.published(stage.home) == before


def test_overwrite(stage: Stage) -> None:
    """With `overwrite` the other content goes over the published version."""
    ready(stage)
    stage.prepare(stage.push())
    older = stage.ground.published(stage.home)["1"]
    stage.say("hello again")
    ready(stage)

    done = stage.four_runs(stage.push(overwrite=True))

    by = f"{short(older)} by image {short(stage.image_id(stage.local()) or '')}"
    assert done.reason == f"overwrites {stage.remote()}: {by}; moves {stage.remote('latest')}: {by}"
    assert done.before == older != done.after
    assert stage.ground.published(stage.home) == {"1": done.after, "latest": done.after}


def test_a_name_that_points_elsewhere(stage: Stage) -> None:
    """What somebody tagged meanwhile is not sent, in check mode as in the real run: only what passed is."""
    ready(stage)
    stage.ground.put_image(stage.remote())
    elsewhere = stage.image_id(stage.remote())
    before = stage.seen()

    check, real = stage.check(stage.push()), stage.real(stage.push())

    assert isinstance(real.error, StepFailed)
    assert real.error.what == f"{stage.remote()} is not pushed"
    assert f"here it points to {elsewhere}, " in real.error.why
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.what)
    assert stage.seen() == before


def test_without_a_tag(stage: Stage) -> None:
    """An image that has no name in the registry yet is not pushed; the error says what to type."""
    stage.prepare(stage.build(), stage.smoke())

    check, real = stage.check(stage.push()), stage.real(stage.push())

    assert real.error is not None
    assert real.error.why.startswith("here it points to nothing")
    assert real.error.mend.startswith(f"invoke tag --user {stage.app.project}")
    assert (check.status, check.reason) == (real.status, real.reason)
    assert stage.ground.published(stage.home) == {}


def test_a_registry_out_of_reach(stage: Stage) -> None:
    """A registry that does not answer is exit code 3."""
    ready(stage)
    nowhere = Destination(target=stage.app, user=stage.app.project, registry="localhost:1")

    outcome = stage.real(Push(target=stage.app, version=Version("1"), destination=nowhere))

    assert isinstance(outcome.error, RegistryUnavailable)
    assert outcome.error.exit_code == 3


def test_a_push_that_did_not_arrive(stage: Stage) -> None:
    """The registry's word counts, not the engine's: what was sent and is not there has failed."""

    class Forgetful(MemoryEngine):
        def push(self, *_: object, **__: object) -> None:
            """Say that all went well, and send nothing."""

    ready(stage)
    engine = Forgetful()
    engine._images = {image.id: image for image in stage.ground.engine.images(stage.app.labels)}

    outcome, _ = converge(stage.push(), replace(stage.world, engine=engine), check=False, tell=lambda _: None)

    assert outcome.error is not None
    assert outcome.error.what == f"{stage.remote()} was sent and is not there"
    assert "nothing" in outcome.error.why


def test_the_version_goes_first(stage: Stage) -> None:
    """When the registry is lost after the version, it is the version that is there and not `latest`; told by tag."""
    ready(stage)
    world, cut = stage.world, _Cut(stage.ground.registry(stage.ground.host))

    outcome, _ = converge(
        stage.push(), replace(world, registry=lambda _: cast("Registry", cut)), check=False, tell=lambda _: None
    )

    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.exit_code == 1
    assert outcome.error.what == "1 tag could not be moved"
    assert outcome.error.details[0].startswith(f"{stage.remote()}: there, sha256:")
    assert outcome.error.details[1] == f"{stage.remote('latest')}: not moved, the cable was cut"
    assert list(stage.ground.published(stage.home)) == ["1"]
    assert [list(one.digests) for one in world.ledger.entries()] == [["1"]]

    outcome = stage.real(stage.push())

    assert outcome.reason == f"the registry does not hold {stage.remote('latest')} yet"
    assert sorted(stage.ground.published(stage.home)) == ["1", "latest"]
    assert [list(one.digests) for one in world.ledger.entries()] == [["1"], ["latest"]]


class _Cut:
    """A registry that moves no tag."""

    def __init__(self, behind: Registry) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def point(self, reference: ImageReference, _: object) -> None:
        """Fail."""
        raise RegistryUnavailable(f"{reference.familiar} cannot be moved", why="the cable was cut", mend="run it again")
