"""smoke: on the twin and on the real engine."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from seatrial.errors import ContainerFailed, SmokeFailed, StepFailed
from seatrial.host.process import Process
from seatrial.model.app import Check, checks_digest
from seatrial.model.version import Version
from seatrial.pipeline.step import Outcome, Status, Step, converge
from seatrial.steps.smoke.smoke import Smoke
from tests.steps.stage import ONLY_DOCKER, Stage


def timed(stage: Stage, step: Step) -> tuple[Outcome, float]:
    """Give how a real run came out, and its seconds by a clock of our own."""
    began = time.monotonic()
    outcome = stage.real(step)
    return outcome, time.monotonic() - began


def test_four_runs(stage: Stage) -> None:
    """An image that answers its checks gets a verdict, by its id; the second time it is ok, though asked again."""
    stage.prepare(stage.build())

    done = stage.four_runs(stage.smoke())

    image = stage.image_id(stage.local())
    assert done.reason == f"2 checks put to {stage.local()}"
    assert done.after == f"passed {image}"
    verdict = stage.notes.verdict(image or "")
    assert verdict is not None
    assert (verdict.image, verdict.passed, verdict.checks) == (image, True, checks_digest(stage.app.checks))
    assert stage.ground.containers() == frozenset()


def test_every_run_asks_again(stage: Stage) -> None:
    """A verdict of an earlier run does not count: this run asks for itself and notes its own."""
    stage.prepare(stage.build(), stage.smoke())
    image = stage.image_id(stage.local()) or ""
    first = stage.notes.verdict(image)

    outcome = stage.real(stage.smoke())

    second = stage.notes.verdict(image)
    assert outcome.status is Status.OK
    assert outcome.reason == f"2 checks put to {stage.local()}"
    assert first is not None
    assert second is not None
    assert second.run != first.run


def test_reuse_takes_an_earlier_verdict(stage: Stage) -> None:
    """With `reuse` an earlier run's verdict about the same image and checks is enough."""
    stage.prepare(stage.build(), stage.smoke())
    notes = stage.seen().notes

    outcome = stage.real(stage.smoke(reuse=True))

    assert outcome.status is Status.OK
    assert "2 checks passed" in outcome.reason
    assert stage.seen().notes == notes


def test_reuse_needs_the_same_checks(stage: Stage) -> None:
    """A verdict about other checks is none."""
    stage.prepare(stage.build(), stage.smoke())
    other = replace(stage.app, checks=(Check(text="hello"),))

    outcome = stage.check(Smoke(target=other, version=Version("1"), reuse=True))

    assert (outcome.status, outcome.reason) == (Status.CHANGED, f"1 check put to {stage.local()}")


def test_reuse_needs_the_same_image(stage: Stage) -> None:
    """A verdict about the image that had the name before is none."""
    stage.prepare(stage.build(), stage.smoke())
    stage.say("hello again")
    stage.prepare(stage.build())

    assert stage.check(stage.smoke(reuse=True)).status is Status.CHANGED


def test_without_a_version_the_last_build_is_asked(stage: Stage) -> None:
    """Without a version it is the image built last that is asked."""
    stage.prepare(stage.build("1"), stage.build("2"))

    outcome = stage.real(Smoke(target=stage.app, version=None))

    assert outcome.reason == f"2 checks put to {stage.local('2')}"
    assert outcome.after == f"passed {stage.image_id(stage.local('2'))}"


def test_no_image(stage: Stage) -> None:
    """Where nothing was built there is nothing to ask, in check mode as in the real run."""
    check, real = stage.check(stage.smoke()), stage.real(stage.smoke())

    assert isinstance(real.error, StepFailed)
    assert real.error.mend == "invoke build --version 1"
    assert (check.status, check.reason) == (real.status, real.reason)


def test_a_wrong_answer_fails_at_once(stage: Stage) -> None:
    """A wrong text does not get better by waiting; the verdict says that it did not pass, and the container is gone."""
    stage.say("goodbye")
    stage.prepare(stage.build())

    outcome, seconds = timed(stage, stage.smoke())

    assert seconds < 2
    assert isinstance(outcome.error, SmokeFailed)
    assert "GET /: the body does not contain 'hello'; it begins 'goodbye'" in outcome.error.why
    assert outcome.error.details
    verdict = stage.notes.verdict(stage.image_id(stage.local()) or "")
    assert verdict is not None
    assert not verdict.passed
    assert stage.ground.containers() == frozenset()


def test_a_failure_takes_the_place_of_an_older_verdict(stage: Stage) -> None:
    """An image that passed once and fails now has not passed, also not for `reuse`."""
    stage.prepare(stage.build(), stage.smoke())
    stricter = replace(stage.app, checks=(Check(text="adieu"),))
    assert stage.real(Smoke(target=stricter, version=Version("1"))).status is Status.FAILED

    assert stage.check(stage.smoke(reuse=True)).status is Status.CHANGED


def test_a_crash_at_start(stage: Stage) -> None:
    """An app that dies is told with its exit code and its last words, long before the deadline."""
    stage.say("crash")
    stage.prepare(stage.build())

    outcome, seconds = timed(stage, stage.smoke())

    assert seconds < 3
    assert isinstance(outcome.error, ContainerFailed)
    assert "exit code 3" in outcome.error.why
    assert outcome.error.details
    verdict = stage.notes.verdict(stage.image_id(stage.local()) or "")
    assert verdict is not None
    assert not verdict.passed
    assert stage.ground.containers() == frozenset()


@ONLY_DOCKER
def test_a_crash_shows_the_log(stage: Stage) -> None:
    """The last lines that the app wrote come with the error."""
    stage.say("crash")
    stage.prepare(stage.build())

    error = stage.real(stage.smoke()).error

    assert error is not None
    assert error.details[-3:] == ("log:", "under way", "no wind today")


def test_an_app_that_never_answers(stage: Stage) -> None:
    """An app that gives no answer fails at its deadline, not before and not much later."""
    stage.say("asleep")
    stage.prepare(stage.build())
    patient = replace(stage.app, smoke_timeout=0.6)

    outcome, seconds = timed(stage, Smoke(target=patient, version=Version("1")))

    assert isinstance(outcome.error, SmokeFailed)
    assert 0.3 < seconds < 4
    assert stage.ground.containers() == frozenset()


def test_an_interrupt_leaves_no_container(stage: Stage) -> None:
    """Ctrl-C in the middle of the checks goes through, and the container is gone."""
    stage.prepare(stage.build())

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converge(stage.smoke(), stage.world, check=False, tell=interrupt)

    assert stage.ground.containers() == frozenset()


def test_what_a_killed_run_left_is_removed(stage: Stage, gone: int) -> None:
    """A trial container whose run is over goes away; that of a living run, or of another host, stays."""
    stage.prepare(stage.build())
    mine = {**stage.app.labels, "seatrial.trial": "1", "seatrial.host": Process.this().host}
    name = stage.app.container_name
    stage.ground.put_container(f"{name}-smoke-dead", {**mine, "seatrial.run": "dead", "seatrial.pid": str(gone)})
    stage.ground.put_container(
        f"{name}-smoke-alive", {**mine, "seatrial.run": "alive", "seatrial.pid": str(os.getpid())}
    )
    elsewhere = {**mine, "seatrial.host": "elsewhere", "seatrial.pid": str(gone)}
    stage.ground.put_container(f"{name}-smoke-elsewhere", elsewhere)
    before = stage.ground.containers()

    assert stage.check(stage.smoke()).status is Status.CHANGED
    assert stage.ground.containers() == before
    assert stage.real(stage.smoke()).status is Status.CHANGED

    assert {found for found, *_ in stage.ground.containers()} == {f"{name}-smoke-alive", f"{name}-smoke-elsewhere"}


def test_another_apps_leftover_is_left_alone(stage: Stage, gone: int) -> None:
    """A trial container of another app of the project is not this app's to remove."""
    stage.prepare(stage.build())
    theirs = {"seatrial.project": stage.app.project, "seatrial.app": "worker", "seatrial.trial": "1"}
    labels = {**theirs, "seatrial.host": Process.this().host, "seatrial.pid": str(gone)}
    stage.ground.put_container(f"{stage.app.project}-worker-smoke-dead", labels)

    stage.prepare(stage.smoke())

    assert stage.container(f"{stage.app.project}-worker-smoke-dead")
