"""The swap, step by step: what is done in which order, and what is left of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.engine.memory import MemoryEngine
from lading.errors import SmokeFailed, StepFailed
from lading.events import Caution, Event, Note
from lading.redirect import Redirect
from lading.step import Outcome, Status, Step, converge
from lading.steps import Run
from lading.version import Version
from tests.redirects import MemoryRedirects
from tests.steps.stage import ONLY_DOCKER, Stage

ONLY_MEMORY = pytest.mark.parametrize("stage", ["memory"], indirect=True)


def _heard(stage: Stage, step: Step, redirects: MemoryRedirects | None = None) -> tuple[Outcome, list[Event]]:
    """Carry a step out, and give its outcome with what it told."""
    told: list[Event] = []
    world = replace(stage.world, redirects=redirects) if redirects else stage.world
    return converge(step, world, check=False, tell=told.append)[0], told


def _notes(told: list[Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, Note)]


def _second_version(stage: Stage) -> None:
    """Let version 1 serve, and version 2 be built."""
    stage.prepare(stage.build("1"), stage.serve("1"))
    stage.say("hello again")
    stage.prepare(stage.build("2"))


@ONLY_MEMORY
def test_the_order(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is stopped once connections are redirected; they are not once the new one is proved on its port."""
    _second_version(stage)
    redirects, engine = MemoryRedirects(), stage.ground.engine
    assert isinstance(engine, MemoryEngine)
    start, stop = engine.start, engine.stop
    old = (stage.container() or ("",))[0]
    names = {old: "old"}

    def watch_start(container_id: str) -> None:
        start(container_id)
        redirects.told.append(f"started {container_id.split('-')[-2]}")

    def watch_stop(container_id: str, *, grace: float) -> None:
        stop(container_id, grace=grace)
        redirects.told.append(f"stopped {names.get(container_id, 'another')}")

    monkeypatch.setattr(engine, "start", watch_start)
    monkeypatch.setattr(engine, "stop", watch_stop)
    _heard(stage, stage.serve("2"), redirects)

    port = stage.app.host_port
    order = ["started second", f"put {port}", "stopped old", "started next", f"removed {port}"]
    assert [word for word in redirects.told if word != "stopped another"][:5] == order
    assert redirects.rules == []


def test_the_redirect_is_told(stage: Stage) -> None:
    """Where connections can be redirected it is told that they were."""
    _second_version(stage)

    outcome, told = _heard(stage, stage.serve("2"))

    assert outcome.status is Status.CHANGED, outcome.error
    assert _notes(told)[-1] == "new connections were redirected to a second container meanwhile"
    assert len(stage.ground.containers()) == 1


def test_the_gap_is_told_where_there_is_one(stage: Stage) -> None:
    """Where they cannot be, the image is proved beside the old one all the same, and the gap is told with its cause."""
    _second_version(stage)

    outcome, told = _heard(stage, stage.serve("2"), MemoryRedirects("nobody may"))

    assert outcome.status is Status.CHANGED, outcome.error
    seconds, _, why = _notes(told)[-1].partition(" s without service: ")
    assert (float(seconds) < 10, why) == (True, "nobody may")
    assert (stage.served(), len(stage.ground.containers())) == ("hello again", 1)


def test_a_bad_one_never_stops_the_old_one(stage: Stage) -> None:
    """Also where nothing can be redirected, the old one is not touched while the new one is bad."""
    stage.prepare(stage.build("1"), stage.serve("1"))
    stage.say("goodbye")
    stage.prepare(stage.build("2"))
    before, redirects = stage.ground.containers(), MemoryRedirects("nobody may")

    outcome, _ = _heard(stage, stage.serve("2"), redirects)

    assert isinstance(outcome.error, SmokeFailed)
    assert stage.ground.containers() == before


@ONLY_MEMORY
def test_a_firewall_that_refuses(stage: Stage) -> None:
    """A firewall that can be looked at and refuses a redirect makes it a plain swap, with its words."""

    class Refusing(MemoryRedirects):
        def put(self, redirect: Redirect) -> None:
            raise StepFailed(f"port {redirect.port} cannot be redirected", why="no such target", mend="")

    _second_version(stage)

    outcome, told = _heard(stage, stage.serve("2"), Refusing())

    assert outcome.status is Status.CHANGED
    assert _notes(told)[-1].endswith("cannot be redirected (no such target)")


class Stuck(MemoryRedirects):
    """Redirects that cannot be taken away, as while another program holds the firewall's lock."""

    def remove(self, redirect: Redirect) -> None:
        """Refuse."""
        raise StepFailed(f"the redirect of port {redirect.port} cannot be taken away", why="busy", mend="")


def _bearer(stage: Stage, redirects: MemoryRedirects, gone: int) -> str:
    """Let version 1 serve, and a run that is over leave a redirect and the second container behind it: its name."""
    _second_version(stage)
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
    outcome, _ = _heard(stage, stage.serve("2"), redirects)
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
    outcome, _ = _heard(stage, stage.serve("2"), redirects)

    assert outcome.status is Status.FAILED
    assert (redirects.rules, _running(stage)) == (left, {second})


@ONLY_MEMORY
def test_an_old_one_that_does_not_answer_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old container gets the app's smoke_timeout to answer again; that it does not is told."""
    _second_version(stage)
    engine = stage.ground.engine
    assert isinstance(engine, MemoryEngine)
    start, broken = engine.start, []

    def break_down(container: str) -> None:
        if "-next-" in container:
            broken.append(container)
            raise StepFailed("it does not start", why="the port is taken", mend="")
        if broken:
            engine.program = lambda *_: (503, b"not yet")
            MemoryEngine.start(engine, container)
        else:
            start(container)

    monkeypatch.setattr(engine, "start", break_down)
    hasty = replace(stage, app=replace(stage.app, smoke_timeout=0.5))
    outcome, told = _heard(hasty, hasty.serve("2"), MemoryRedirects("nobody may"))

    assert outcome.status is Status.FAILED
    (caution,) = [event.text for event in told if isinstance(event, Caution)]
    assert caution == f"the old container {stage.app.container_name} was started again and does not answer"
    assert 0.5 <= outcome.seconds < 5


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


def test_limits_are_options(stage: Stage) -> None:
    """Other limits make another container, and are named."""
    stage.prepare(stage.build(), stage.serve())

    done = stage.four_runs(Run(target=replace(stage.app, pids=99, stop_grace=3), version=Version("1")))

    assert done.reason == "options differ: pids"


@ONLY_DOCKER
@pytest.mark.parametrize("ending", ["run", "stop"])
def test_one_that_does_not_end(stage: Stage, ending: str) -> None:
    """A container that is deaf to SIGTERM is killed after the app's grace, and that is told."""
    stage.say("hello")
    app = replace(stage.app, stop_grace=1)
    file = app.context / "app.py"
    file.write_text(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{file.read_text()}")
    deaf = replace(stage, app=app)
    deaf.prepare(deaf.build("1"), deaf.serve("1"))
    deaf.say("hello again")
    deaf.prepare(deaf.build("2"))

    outcome, told = _heard(deaf, deaf.serve("2") if ending == "run" else deaf.stop())

    assert outcome.status is Status.CHANGED, outcome.error
    (caution,) = [event.text for event in told if isinstance(event, Caution)]
    assert caution.startswith(f"{app.container_name} did not end within 1 s of SIGTERM and was killed")
    assert outcome.seconds < 15
