"""The swap, step by step: what is done in which order, and what is left of it."""

from __future__ import annotations

from dataclasses import replace

import docker
import pytest

from seatrial.engine.memory.engine import MemoryEngine
from seatrial.errors import ContainerFailed, SmokeFailed, StepFailed
from seatrial.events import Caution, Event, Note
from seatrial.host.firewall import Redirect
from seatrial.model.version import Version
from seatrial.pipeline.step import Outcome, Status, Step, converge
from seatrial.steps.serve.run import Run
from tests.host.memory_redirects import MemoryRedirects
from tests.steps.stage import ONLY_DOCKER, Stage

ONLY_MEMORY = pytest.mark.parametrize("stage", ["memory"], indirect=True)


def heard(stage: Stage, step: Step, redirects: MemoryRedirects | None = None) -> tuple[Outcome, list[Event]]:
    """Carry a step out, and give its outcome with what it told."""
    told: list[Event] = []
    world = replace(stage.world, redirects=redirects) if redirects else stage.world
    return converge(step, world, check=False, tell=told.append)[0], told


def _notes(told: list[Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, Note)]


def second_version(stage: Stage) -> None:
    """Let version 1 serve, and version 2 be built."""
    stage.prepare(stage.build("1"), stage.serve("1"))
    stage.say("hello again")
    stage.prepare(stage.build("2"))


@ONLY_MEMORY
def test_the_order(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is stopped once connections are redirected; they are not once the new one is proved on its port."""
    second_version(stage)
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
    heard(stage, stage.serve("2"), redirects)

    port = stage.app.host_port
    order = ["started second", f"put {port}", "stopped old", "started next", f"removed {port}"]
    assert [word for word in redirects.told if word != "stopped another"][:5] == order
    assert redirects.rules == []


def test_the_redirect_is_told(stage: Stage) -> None:
    """Where connections can be redirected it is told that they were."""
    second_version(stage)

    outcome, told = heard(stage, stage.serve("2"))

    assert outcome.status is Status.CHANGED, outcome.error
    assert _notes(told)[-1] == "new connections were redirected to a second container meanwhile"
    assert len(stage.ground.containers()) == 1


def test_the_gap_is_told_where_there_is_one(stage: Stage) -> None:
    """Where they cannot be, the image is proved beside the old one all the same, and the gap is told with its cause."""
    second_version(stage)

    outcome, told = heard(stage, stage.serve("2"), MemoryRedirects("nobody may"))

    assert outcome.status is Status.CHANGED, outcome.error
    seconds, _, why = _notes(told)[-1].partition(" s without service: ")
    assert (float(seconds) < 10, why) == (True, "nobody may")
    assert outcome.notes[-1] == _notes(told)[-1]
    assert (stage.served(), len(stage.ground.containers())) == ("hello again", 1)


def test_a_bad_one_never_stops_the_old_one(stage: Stage) -> None:
    """Also where nothing can be redirected, the old one is not touched while the new one is bad."""
    stage.prepare(stage.build("1"), stage.serve("1"))
    stage.say("goodbye")
    stage.prepare(stage.build("2"))
    before, redirects = stage.ground.containers(), MemoryRedirects("nobody may")

    outcome, _ = heard(stage, stage.serve("2"), redirects)

    assert isinstance(outcome.error, SmokeFailed)
    assert stage.ground.containers() == before


@ONLY_MEMORY
def test_a_firewall_that_refuses(stage: Stage) -> None:
    """A firewall that can be looked at and refuses a redirect makes it a plain swap, with its words."""

    class Refusing(MemoryRedirects):
        def put(self, redirect: Redirect) -> None:
            raise StepFailed(f"port {redirect.port} cannot be redirected", why="no such target", mend="")

    second_version(stage)

    outcome, told = heard(stage, stage.serve("2"), Refusing())

    assert outcome.status is Status.CHANGED
    assert _notes(told)[-1].endswith("cannot be redirected (no such target)")


@ONLY_MEMORY
def test_an_old_one_that_does_not_answer_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old container gets the app's smoke_timeout to answer again; that it does not is told."""
    second_version(stage)
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
    outcome, told = heard(hasty, hasty.serve("2"), MemoryRedirects("nobody may"))

    assert outcome.status is Status.FAILED
    (caution,) = [event.text for event in told if isinstance(event, Caution)]
    assert caution == f"the old container {stage.app.container_name} was started again and does not answer"
    assert 0.5 <= outcome.seconds < 5


def test_another_port_inside(stage: Stage) -> None:
    """An app that listens on another port than before is served on the same port of this machine all the same."""
    stage.prepare(stage.build(), stage.serve())
    target = replace(stage.app, port=stage.app.port + 1)

    done = stage.four_runs(Run(target=target, version=Version("1")))

    assert done.reason == "options differ: port"


@ONLY_DOCKER
@pytest.mark.parametrize("ending", ["run", "stop"])
def test_a_paused_one(stage: Stage, client: docker.DockerClient, ending: str) -> None:
    """A container that somebody paused is left alone, with the words that let it go on."""
    stage.prepare(stage.build(), stage.serve())
    (container_id, _, _) = stage.container() or ("", "", "")
    client.api.pause(container_id)
    try:
        outcome = stage.real(stage.serve() if ending == "run" else stage.stop())
    finally:
        client.api.unpause(container_id)

    assert isinstance(outcome.error, ContainerFailed)
    assert outcome.error.mend == f"docker unpause {stage.app.container_name}, then run it again"


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

    outcome, told = heard(deaf, deaf.serve("2") if ending == "run" else deaf.stop())

    assert outcome.status is Status.CHANGED, outcome.error
    (caution,) = [event.text for event in told if isinstance(event, Caution)]
    assert caution.startswith(f"{app.container_name} did not end within 1 s of SIGTERM and was killed")
    assert outcome.seconds < 15
