"""What killed runs left in the middle of a swap goes on serving, is checked, and is cleaned up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.errors import SmokeFailed, StepFailed
from seatrial.host.firewall import Redirect
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.step import Step
from seatrial.steps.smoke.smoke_container import spec_for
from tests.host.memory_redirects import MemoryRedirects
from tests.steps.scenario import StepScenario
from tests.steps.serve.test_swap import ONLY_MEMORY, heard, second_version


class Stuck(MemoryRedirects):
    """Redirects that cannot be removed, as if another program held the firewall's lock."""

    def remove(self, redirect: Redirect) -> None:
        """Raise an error."""
        raise StepFailed(f"cannot remove the redirect of port {redirect.port}", reason="busy", hint="", cause="stuck")


def _redirect_target(scenario: StepScenario, redirects: MemoryRedirects, gone: int) -> str:
    """Let version 1 serve and a dead run leave a redirect to a second container; return that container's name."""
    second_version(scenario)
    world = replace(scenario.world, redirects=Stuck())
    dead = replace(world, process=replace(world.process, pid=gone))
    outcome, _ = converge(scenario.serve("2"), dead, check=False, emit=lambda _: None)
    assert outcome.error is not None
    assert outcome.error.cause == "stuck"
    assert isinstance(dead.redirects, Stuck)
    redirects.rules.extend(dead.redirects.rules)
    return f"{scenario.app.container_name}-second-{dead.process.run}"


def _running(scenario: StepScenario) -> set[str]:
    return {name for name, _, _, state in scenario.backend.containers() if state == "running"}


@ONLY_MEMORY
def test_a_redirect_that_cannot_be_removed(scenario: StepScenario, gone: int) -> None:
    """The run fails, the old container serves again, and the second one stays with its redirect until the next run."""
    redirects = MemoryRedirects()

    second = _redirect_target(scenario, redirects, gone)

    (rule,) = redirects.rules
    assert rule.port == scenario.app.host_port
    assert _running(scenario) == {scenario.app.container_name, second}
    outcome, _ = heard(scenario, scenario.serve("2"), redirects)
    assert outcome.status is Status.CHANGED, outcome.error
    assert (redirects.rules, _running(scenario)) == ([], {scenario.app.container_name})


@ONLY_MEMORY
def test_what_a_killed_run_left_serves_until_the_new_one_does(
    scenario: StepScenario, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the new container does not start, the one that serves through a leftover redirect goes on serving."""
    redirects, engine = MemoryRedirects(), scenario.backend.engine
    second = _redirect_target(scenario, redirects, gone)
    left = list(redirects.rules)
    engine.stop(scenario.app.container_name, grace=1)
    start = engine.start

    def refuse(container: str) -> None:
        if "-next-" in container:
            raise StepFailed("it does not start", reason="the port is taken", hint="")
        start(container)

    monkeypatch.setattr(engine, "start", refuse)
    outcome, _ = heard(scenario, scenario.serve("2"), redirects)

    assert outcome.status is Status.FAILED
    assert (redirects.rules, _running(scenario)) == (left, {second})


def test_our_own_redirect_is_counted(scenario: StepScenario) -> None:
    """A redirect that this run left itself counts in its second plan."""
    scenario.prepare(scenario.build(), scenario.serve())
    port = scenario.app.host_port
    world, redirects = scenario.world, MemoryRedirects()
    redirects.put(Redirect(owner=scenario.app.container_name, run=world.process.run, port=port, to_port=port))

    outcome, _ = converge(scenario.serve(), replace(world, redirects=redirects), check=True, emit=lambda _: None)

    assert outcome.status is Status.CHANGED


@pytest.mark.parametrize("ending", ["run", "stop"])
def test_a_redirect_that_was_left(scenario: StepScenario, ending: str) -> None:
    """A redirect of a killed run is removed by the next run and by stop; check mode leaves it."""
    scenario.prepare(scenario.build(), scenario.serve())
    left = Redirect(
        owner=scenario.app.container_name, run="0badcafe", port=scenario.app.host_port, to_port=scenario.app.host_port
    )
    redirects = scenario.backend.redirects
    if redirects.unavailable_reason():
        pytest.skip("only root can redirect connections")
    redirects.put(left)
    step: Step = scenario.serve() if ending == "run" else scenario.stop()
    try:
        check = scenario.check(step)
        assert redirects.list(left.owner) == (left,)
        done = scenario.real(step)
        assert redirects.list(left.owner) == ()
    finally:
        redirects.remove(left)

    assert (check.status, check.reason) == (done.status, done.reason)
    assert done.status is Status.CHANGED, done.error
    if ending == "run":
        assert str(left.port) in done.reason
        assert scenario.served() == "hello"


def test_an_unnamed_container(scenario: StepScenario, gone: int) -> None:
    """A container that a killed run had checked but not renamed goes on serving, now under the app's name."""
    scenario.prepare(scenario.build())
    world = scenario.world
    dead = replace(world, process=replace(world.process, pid=gone))
    converge(scenario.serve(), dead, check=False, emit=lambda _: None)
    (container_id, _, _) = scenario.container() or ("", "", "")
    scenario.backend.engine.rename(container_id, f"{scenario.app.container_name}-next-dead")

    done = scenario.real(scenario.serve())

    assert done.status is Status.CHANGED, done.error
    assert f"{scenario.app.container_name}-next-dead" in done.reason
    assert done.after == container_id == (scenario.container() or ("",))[0]
    assert scenario.served() == "hello"


@ONLY_MEMORY
@pytest.mark.parametrize("before", [True, False], ids=["before it one served", "before it none did"])
def test_an_unnamed_container_that_was_not_checked(scenario: StepScenario, gone: int, before: bool) -> None:
    """A container that a killed run started on the app's port is checked; if it fails, the one before serves again."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build("2"))
    world = scenario.world
    old = world.engine.container(scenario.app.container_name)
    assert old
    if before:
        world.engine.stop(old.id, grace=1)
    else:
        world.engine.remove(old.id)
    dead = replace(world.process, pid=gone)
    name, image = f"{scenario.app.container_name}-next-dead", world.image_for(scenario.app, Version("2"))
    labels = {**old.labels, **dead.labels}
    spec = spec_for(scenario.app, image, name=name, host_port=scenario.app.host_port, labels=labels)
    world.engine.create(spec, lambda _: None)
    world.engine.start(name)

    done = scenario.real(scenario.serve("2"))

    assert isinstance(done.error, SmokeFailed)
    assert _running(scenario) == ({scenario.app.container_name} if before else set())
    assert not before or scenario.served() == "hello"


@ONLY_MEMORY
def test_a_redirect_that_cannot_be_seen(scenario: StepScenario, gone: int) -> None:
    """If redirects cannot be listed, a container that may serve through one is left alone."""
    second = _redirect_target(scenario, MemoryRedirects(), gone)
    before = scenario.backend.containers()

    for step in (scenario.serve("2"), scenario.stop()):
        outcome, _ = heard(scenario, step, MemoryRedirects("nobody may"))
        assert isinstance(outcome.error, StepFailed)
        assert second in outcome.error.reason

    assert scenario.backend.containers() == before
