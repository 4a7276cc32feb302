"""The swap, step by step: what is done in which order, and what is left."""

from __future__ import annotations

import re
from dataclasses import replace

import docker
import pytest

from seatrial.engine.memory.engine import MemoryEngine
from seatrial.errors import ContainerFailed, SmokeFailed, StepFailed
from seatrial.events import Event, Info, WarningEvent
from seatrial.host.firewall import Redirect
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.step import Step
from seatrial.steps.serve.run import Run
from tests.host.memory_redirects import MemoryRedirects
from tests.steps.scenario import ONLY_DOCKER, StepScenario

ONLY_MEMORY = pytest.mark.parametrize("scenario", ["memory"], indirect=True)


def heard(scenario: StepScenario, step: Step, redirects: MemoryRedirects | None = None) -> tuple[Outcome, list[Event]]:
    """Carry a step out, and return its outcome and events."""
    events: list[Event] = []
    world = replace(scenario.world, redirects=redirects) if redirects else scenario.world
    return converge(step, world, check=False, emit=events.append)[0], events


def _notes(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Info)]


def second_version(scenario: StepScenario) -> None:
    """Let version 1 serve, and version 2 be built."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build("2"))


@ONLY_MEMORY
def test_the_order(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old container stops after the redirect is set; the redirect goes after the new one has passed its checks."""
    second_version(scenario)
    redirects, engine = MemoryRedirects(), scenario.backend.engine
    assert isinstance(engine, MemoryEngine)
    start, stop = engine.start, engine.stop
    old = (scenario.container() or ("",))[0]
    names = {old: "old"}

    def watch_start(container_id: str) -> None:
        start(container_id)
        redirects.calls.append(f"started {container_id.split('-')[-2]}")

    def watch_stop(container_id: str, *, grace: float) -> None:
        stop(container_id, grace=grace)
        redirects.calls.append(f"stopped {names.get(container_id, 'another')}")

    monkeypatch.setattr(engine, "start", watch_start)
    monkeypatch.setattr(engine, "stop", watch_stop)
    heard(scenario, scenario.serve("2"), redirects)

    port = scenario.app.host_port
    order = ["started second", f"put {port}", "stopped old", "started next", f"removed {port}"]
    assert [word for word in redirects.calls if word != "stopped another"][:5] == order
    assert redirects.rules == []


def test_the_redirect_is_told(scenario: StepScenario) -> None:
    """If connections can be redirected, a note says that they were."""
    second_version(scenario)

    outcome, events = heard(scenario, scenario.serve("2"))

    assert outcome.status is Status.CHANGED, outcome.error
    assert "redirected" in _notes(events)[-1]
    assert len(scenario.backend.containers()) == 1


def test_the_gap_is_told_where_there_is_one(scenario: StepScenario) -> None:
    """If they cannot be, the image is checked beside the old one anyway, and a note has the gap and its reason."""
    second_version(scenario)

    outcome, events = heard(scenario, scenario.serve("2"), MemoryRedirects("nobody may"))

    assert outcome.status is Status.CHANGED, outcome.error
    gap = re.search(r"(\d+\.\d) s: nobody may$", _notes(events)[-1])
    assert gap
    assert float(gap[1]) < 10
    assert outcome.notes[-1] == _notes(events)[-1]
    assert (scenario.served(), len(scenario.backend.containers())) == ("hello again", 1)


def test_a_bad_one_never_stops_the_old_one(scenario: StepScenario) -> None:
    """Also without redirects, the old container is not touched if the new one fails."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build("2"))
    before, redirects = scenario.backend.containers(), MemoryRedirects("nobody may")

    outcome, _ = heard(scenario, scenario.serve("2"), redirects)

    assert isinstance(outcome.error, SmokeFailed)
    assert scenario.backend.containers() == before


@ONLY_MEMORY
def test_a_firewall_that_refuses(scenario: StepScenario) -> None:
    """If the firewall refuses the redirect, the swap has a gap, and the note has the firewall's reason."""

    class Refusing(MemoryRedirects):
        def put(self, redirect: Redirect) -> None:
            raise StepFailed(f"port {redirect.port} cannot be redirected", reason="no such target", hint="")

    second_version(scenario)

    outcome, events = heard(scenario, scenario.serve("2"), Refusing())

    assert outcome.status is Status.CHANGED
    assert "no such target" in _notes(events)[-1]


@ONLY_MEMORY
def test_an_old_one_that_does_not_answer_again(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old container gets the app's smoke_timeout to answer again; a warning says if it does not."""
    second_version(scenario)
    engine = scenario.backend.engine
    assert isinstance(engine, MemoryEngine)
    start, broken = engine.start, []

    def break_down(container: str) -> None:
        if "-next-" in container:
            broken.append(container)
            raise StepFailed("it does not start", reason="the port is taken", hint="")
        if broken:
            engine.program = lambda *_: (503, b"not yet")
            MemoryEngine.start(engine, container)
        else:
            start(container)

    monkeypatch.setattr(engine, "start", break_down)
    hasty = replace(scenario, app=replace(scenario.app, smoke_timeout=0.5))
    outcome, events = heard(hasty, hasty.serve("2"), MemoryRedirects("nobody may"))

    assert outcome.status is Status.FAILED
    (caution,) = [event.text for event in events if isinstance(event, WarningEvent)]
    assert scenario.app.container_name in caution
    assert 0.5 <= outcome.seconds < 5


def test_another_port_inside(scenario: StepScenario) -> None:
    """An app that listens on another port inside is served on the same port of this machine."""
    scenario.prepare(scenario.build(), scenario.serve())
    target = replace(scenario.app, port=scenario.app.port + 1)

    done = scenario.four_runs(Run(target=target, version=Version("1")))

    assert done.reason.endswith(": port")


@ONLY_DOCKER
@pytest.mark.parametrize("ending", ["run", "stop"])
def test_a_paused_one(scenario: StepScenario, client: docker.DockerClient, ending: str) -> None:
    """A paused container is left alone, and the hint says how to unpause it."""
    scenario.prepare(scenario.build(), scenario.serve())
    (container_id, _, _) = scenario.container() or ("", "", "")
    client.api.pause(container_id)
    try:
        outcome = scenario.real(scenario.serve() if ending == "run" else scenario.stop())
    finally:
        client.api.unpause(container_id)

    assert isinstance(outcome.error, ContainerFailed)
    assert f"docker unpause {scenario.app.container_name}" in outcome.error.hint


def test_limits_are_options(scenario: StepScenario) -> None:
    """Other limits need another container, and the reason names them."""
    scenario.prepare(scenario.build(), scenario.serve())

    done = scenario.four_runs(Run(target=replace(scenario.app, pids=99, stop_grace=3), version=Version("1")))

    assert done.reason.endswith(": pids")


@ONLY_DOCKER
@pytest.mark.parametrize("ending", ["run", "stop"])
def test_one_that_does_not_end(scenario: StepScenario, ending: str) -> None:
    """A container that ignores SIGTERM is killed after the app's grace, and a warning says so."""
    scenario.set_reply("hello")
    app = replace(scenario.app, stop_grace=1)
    file = app.context / "app.py"
    file.write_text(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{file.read_text()}")
    deaf = replace(scenario, app=app)
    deaf.prepare(deaf.build("1"), deaf.serve("1"))
    deaf.set_reply("hello again")
    deaf.prepare(deaf.build("2"))

    outcome, events = heard(deaf, deaf.serve("2") if ending == "run" else deaf.stop())

    assert outcome.status is Status.CHANGED, outcome.error
    (caution,) = [event.text for event in events if isinstance(event, WarningEvent)]
    assert app.container_name in caution
    assert "stop_grace" in caution
    assert outcome.seconds < 15
