"""What runs that were killed left in the middle of a swap: it serves on, is proved, and is cleared away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.errors import SmokeFailed, StepFailed
from seatrial.host.firewall import Redirect
from seatrial.model.version import Version
from seatrial.pipeline.step import Status, Step, converge
from seatrial.steps.smoke.smoke_container import spec_for
from tests.host.memory_redirects import MemoryRedirects
from tests.steps.serve.test_swap import ONLY_MEMORY, heard, second_version
from tests.steps.stage import Stage


class Stuck(MemoryRedirects):
    """Redirects that cannot be taken away, as while another program holds the firewall's lock."""

    def remove(self, redirect: Redirect) -> None:
        """Refuse."""
        raise StepFailed(f"the redirect of port {redirect.port} cannot be taken away", why="busy", mend="")


def _bearer(stage: Stage, redirects: MemoryRedirects, gone: int) -> str:
    """Let version 1 serve, and a run that is over leave a redirect and the second container behind it: its name."""
    second_version(stage)
    world = replace(stage.world, redirects=Stuck())
    dead = replace(world, process=replace(world.process, pid=gone))
    outcome, _ = converge(stage.serve("2"), dead, check=False, tell=lambda _: None)
    assert outcome.reason == f"the redirect of port {stage.app.host_port} cannot be taken away"
    assert isinstance(dead.redirects, Stuck)
    redirects.rules.extend(dead.redirects.rules)
    return f"{stage.app.container_name}-second-{dead.process.run}"


def _running(stage: Stage) -> set[str]:
    return {name for name, _, _, state in stage.ground.containers() if state == "running"}


@ONLY_MEMORY
def test_a_redirect_that_cannot_be_taken_away(stage: Stage, gone: int) -> None:
    """It fails, the old one serves again, and the second container stays behind its redirect for the next run."""
    redirects = MemoryRedirects()

    second = _bearer(stage, redirects, gone)

    (rule,) = redirects.rules
    assert rule.port == stage.app.host_port
    assert _running(stage) == {stage.app.container_name, second}
    outcome, _ = heard(stage, stage.serve("2"), redirects)
    assert outcome.status is Status.CHANGED, outcome.error
    assert (redirects.rules, _running(stage)) == ([], {stage.app.container_name})


@ONLY_MEMORY
def test_what_a_killed_run_left_serves_until_the_new_one_does(
    stage: Stage, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the new container does not start, the one that serves behind a left redirect goes on doing so."""
    redirects, engine = MemoryRedirects(), stage.ground.engine
    second = _bearer(stage, redirects, gone)
    left = list(redirects.rules)
    engine.stop(stage.app.container_name, grace=1)
    start = engine.start

    def refuse(container: str) -> None:
        if "-next-" in container:
            raise StepFailed("it does not start", why="the port is taken", mend="")
        start(container)

    monkeypatch.setattr(engine, "start", refuse)
    outcome, _ = heard(stage, stage.serve("2"), redirects)

    assert outcome.status is Status.FAILED
    assert (redirects.rules, _running(stage)) == (left, {second})


def test_our_own_redirect_is_counted(stage: Stage) -> None:
    """A redirect that this very run left is not passed over when it looks again."""
    stage.prepare(stage.build(), stage.serve())
    port = stage.app.host_port
    world, redirects = stage.world, MemoryRedirects()
    redirects.put(Redirect(owner=stage.app.container_name, run=world.process.run, port=port, to_port=port))

    outcome, _ = converge(stage.serve(), replace(world, redirects=redirects), check=True, tell=lambda _: None)

    assert outcome.status is Status.CHANGED


@pytest.mark.parametrize("ending", ["run", "stop"])
def test_a_redirect_that_was_left(stage: Stage, ending: str) -> None:
    """A redirect of a run that was killed is taken away by the next run and by stop; check mode leaves it."""
    stage.prepare(stage.build(), stage.serve())
    left = Redirect(
        owner=stage.app.container_name, run="0badcafe", port=stage.app.host_port, to_port=stage.app.host_port
    )
    redirects = stage.ground.redirects
    if redirects.obstacle():
        pytest.skip("only root may redirect connections")
    redirects.put(left)
    step: Step = stage.serve() if ending == "run" else stage.stop()
    try:
        check = stage.check(step)
        assert redirects.there(left.owner) == (left,)
        done = stage.real(step)
        assert redirects.there(left.owner) == ()
    finally:
        redirects.remove(left)

    assert (check.status, check.reason) == (done.status, done.reason)
    assert done.status is Status.CHANGED, done.error
    if ending == "run":
        assert done.reason == f"a run that was killed left a redirect of port {left.port}"
        assert stage.served() == "hello"


def test_an_heir(stage: Stage, gone: int) -> None:
    """A container that a killed run proved and could not name any more serves on, under the app's name now."""
    stage.prepare(stage.build())
    world = stage.world
    dead = replace(world, process=replace(world.process, pid=gone))
    converge(stage.serve(), dead, check=False, tell=lambda _: None)
    (container_id, _, _) = stage.container() or ("", "", "")
    stage.ground.engine.rename(container_id, f"{stage.app.container_name}-next-dead")

    done = stage.real(stage.serve())

    assert done.status is Status.CHANGED, done.error
    assert done.reason == f"a run that was killed left {stage.app.container_name}-next-dead"
    assert done.after == container_id == (stage.container() or ("",))[0]
    assert stage.served() == "hello"


@ONLY_MEMORY
@pytest.mark.parametrize("before", [True, False], ids=["before it one served", "before it none did"])
def test_an_heir_that_nobody_proved(stage: Stage, gone: int, before: bool) -> None:
    """A container that a killed run started on the app's port is proved; if it fails, what served before does again."""
    stage.prepare(stage.build("1"), stage.serve("1"))
    stage.say("goodbye")
    stage.prepare(stage.build("2"))
    world = stage.world
    old = world.engine.container(stage.app.container_name)
    assert old
    if before:
        world.engine.stop(old.id, grace=1)
    else:
        world.engine.remove(old.id)
    dead = replace(world.process, pid=gone)
    name, image = f"{stage.app.container_name}-next-dead", world.chosen(stage.app, Version("2"))
    labels = {**old.labels, **dead.labels}
    spec = spec_for(stage.app, image, name=name, host_port=stage.app.host_port, labels=labels)
    world.engine.create(spec, lambda _: None)
    world.engine.start(name)

    done = stage.real(stage.serve("2"))

    assert isinstance(done.error, SmokeFailed)
    assert _running(stage) == ({stage.app.container_name} if before else set())
    assert not before or stage.served() == "hello"


@ONLY_MEMORY
def test_a_redirect_that_cannot_be_seen(stage: Stage, gone: int) -> None:
    """Where what a killed run redirected cannot be looked at, the container that may serve behind it is left alone."""
    second = _bearer(stage, MemoryRedirects(), gone)
    before = stage.ground.containers()

    for step in (stage.serve("2"), stage.stop()):
        outcome, _ = heard(stage, step, MemoryRedirects("nobody may"))
        assert isinstance(outcome.error, StepFailed)
        assert f"{second} may serve behind a redirect that only root can see" in outcome.error.why

    assert stage.ground.containers() == before
