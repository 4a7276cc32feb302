"""smoke: on the engine in memory and on the real engine."""

from __future__ import annotations

import os
import time

import pytest

from seatrial.errors import ContainerFailed, SmokeFailed, StepFailed
from seatrial.host.process import Process
from seatrial.model.app import Check, checks_digest
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.step import Step
from seatrial.steps.smoke.smoke import Smoke
from tests.steps.scenario import ALSO_DOCKER, StepScenario


def timed(scenario: StepScenario, step: Step) -> tuple[Outcome, float]:
    """Return the outcome of a real run, and its seconds measured here."""
    began = time.monotonic()
    outcome = scenario.real(step)
    return outcome, time.monotonic() - began


@ALSO_DOCKER
def test_four_runs(scenario: StepScenario) -> None:
    """An image that passes its checks gets a verdict, by its id; the second time it is ok, though checked again."""
    scenario.prepare(scenario.build())

    done = scenario.four_runs(scenario.smoke())

    image = scenario.image_id(scenario.local())
    assert done.after == f"passed {image}"
    verdict = scenario.verdict
    assert (verdict.image, verdict.passed, verdict.checks) == (image, True, checks_digest(scenario.app.checks))
    assert scenario.backend.containers() == frozenset()


def test_every_run_asks_again(scenario: StepScenario) -> None:
    """A verdict of an earlier run does not count: this run checks again and saves its own."""
    scenario.prepare(scenario.build(), scenario.smoke())
    first = scenario.verdict

    checked = scenario.check(scenario.smoke())
    outcome = scenario.real(scenario.smoke())

    assert (checked.status, outcome.status) == (Status.OK, Status.OK)
    assert checked.message.startswith("would ")
    assert scenario.verdict.run != first.run


def test_reuse_takes_an_earlier_verdict(scenario: StepScenario) -> None:
    """With `reuse` an earlier run's verdict about the same image and checks is enough."""
    scenario.prepare(scenario.build(), scenario.smoke())
    state = scenario.seen().state

    outcome = scenario.real(scenario.smoke(reuse=True))

    assert (outcome.status, outcome.after) == (Status.OK, f"passed {scenario.image_id(scenario.local())}")
    assert scenario.seen().state == state


def test_reuse_needs_the_same_checks(scenario: StepScenario) -> None:
    """A verdict on other checks does not count."""
    scenario.prepare(scenario.build(), scenario.smoke())
    other = scenario.app.but(checks=(Check(text="hello"),))

    assert scenario.check(Smoke(target=other, version=Version("1"), reuse=True)).status is Status.CHANGED


def test_reuse_needs_the_same_image(scenario: StepScenario) -> None:
    """A verdict on the image that had the name before does not count."""
    scenario.prepare(scenario.build(), scenario.smoke())
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build())

    assert scenario.check(scenario.smoke(reuse=True)).status is Status.CHANGED


def test_without_a_version_the_last_build_is_checked(scenario: StepScenario) -> None:
    """Without a version the image built last is checked."""
    scenario.prepare(scenario.build("1"), scenario.build("2"))

    outcome = scenario.real(Smoke(target=scenario.app, version=None))

    assert outcome.after == f"passed {scenario.image_id(scenario.local('2'))}"


def test_no_image(scenario: StepScenario) -> None:
    """Without an image the step fails, in check mode as in the real run."""
    check, real = scenario.check(scenario.smoke()), scenario.real(scenario.smoke())

    assert isinstance(real.error, StepFailed)
    assert real.error.hint == "invoke build --version 1"
    assert (check.status, check.message) == (real.status, real.message)


def test_a_wrong_answer_fails_at_once(scenario: StepScenario) -> None:
    """A wrong text fails without waiting; the verdict says that it did not pass, and the container is gone."""
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build())

    outcome, seconds = timed(scenario, scenario.smoke())

    assert seconds < scenario.app.smoke_timeout / 2
    assert isinstance(outcome.error, SmokeFailed)
    assert outcome.error.cause == "wrong-answer"
    assert "'goodbye'" in outcome.error.reason
    assert outcome.error.details
    assert not scenario.verdict.passed
    assert scenario.backend.containers() == frozenset()


def test_a_failure_takes_the_place_of_an_older_verdict(scenario: StepScenario) -> None:
    """An image that passed once and fails now has not passed, also not with `reuse`."""
    scenario.prepare(scenario.build(), scenario.smoke())
    stricter = scenario.app.but(checks=(Check(text="adieu"),))
    assert scenario.real(Smoke(target=stricter, version=Version("1"))).status is Status.FAILED

    assert scenario.check(scenario.smoke(reuse=True)).status is Status.CHANGED


@ALSO_DOCKER
def test_a_crash_at_start(scenario: StepScenario) -> None:
    """An app that dies fails with its exit code and its log, long before the deadline."""
    scenario.set_reply("crash")
    scenario.prepare(scenario.build())

    outcome, seconds = timed(scenario, scenario.smoke())

    assert seconds < scenario.app.smoke_timeout / 2
    assert isinstance(outcome.error, ContainerFailed)
    assert "exit code 3" in outcome.error.reason
    assert outcome.error.details
    assert not scenario.verdict.passed
    assert scenario.backend.containers() == frozenset()


def test_an_app_that_never_answers(scenario: StepScenario) -> None:
    """An app that does not answer fails at its deadline, not before and not much later."""
    scenario.set_reply("asleep")
    scenario.prepare(scenario.build())
    subject = scenario.app.but(smoke_timeout=0.6)

    outcome, seconds = timed(scenario, Smoke(target=subject, version=Version("1")))

    assert isinstance(outcome.error, SmokeFailed)
    assert 0.3 < seconds < 4
    assert scenario.backend.containers() == frozenset()


def test_an_interrupt_leaves_no_container(scenario: StepScenario) -> None:
    """Ctrl-C during the checks is raised, and the container is gone."""
    scenario.prepare(scenario.build())

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converge(scenario.smoke(), scenario.world, check=False, emit=interrupt)

    assert scenario.backend.containers() == frozenset()


def test_what_a_killed_run_left_is_removed(scenario: StepScenario, gone: int) -> None:
    """A smoke container of a dead run is removed; that of a live run, or of another host, stays."""
    scenario.prepare(scenario.build())
    mine = {**scenario.app.labels, "seatrial.smoke": "1", "seatrial.host": Process.this().host}
    name = scenario.app.container_name
    scenario.backend.put_container(f"{name}-smoke-dead", {**mine, "seatrial.run": "dead", "seatrial.pid": str(gone)})
    scenario.backend.put_container(
        f"{name}-smoke-alive", {**mine, "seatrial.run": "alive", "seatrial.pid": str(os.getpid())}
    )
    elsewhere = {**mine, "seatrial.host": "elsewhere", "seatrial.pid": str(gone)}
    scenario.backend.put_container(f"{name}-smoke-elsewhere", elsewhere)
    before = scenario.backend.containers()

    assert scenario.check(scenario.smoke()).status is Status.CHANGED
    assert scenario.backend.containers() == before
    assert scenario.real(scenario.smoke()).status is Status.CHANGED

    assert {found for found, *_ in scenario.backend.containers()} == {f"{name}-smoke-alive", f"{name}-smoke-elsewhere"}


def test_another_apps_leftover_is_left_alone(scenario: StepScenario, gone: int) -> None:
    """A smoke container of another app of the project is left alone."""
    scenario.prepare(scenario.build())
    theirs = {"seatrial.project": scenario.app.project, "seatrial.app": "worker", "seatrial.smoke": "1"}
    labels = {**theirs, "seatrial.host": Process.this().host, "seatrial.pid": str(gone)}
    scenario.backend.put_container(f"{scenario.app.project}-worker-smoke-dead", labels)

    scenario.prepare(scenario.smoke())

    assert scenario.container(f"{scenario.app.project}-worker-smoke-dead")
