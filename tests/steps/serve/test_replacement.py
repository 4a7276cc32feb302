"""A new container replaces the one that serves, or the old one serves on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import docker
import pytest

from seatrial.engine.model import Container
from seatrial.errors import ContainerFailed, SmokeFailed, StepFailed
from seatrial.events import Event, Info, WarningEvent
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.step import Step
from tests.engine.memory.engine import MemoryEngine
from tests.steps.scenario import ALSO_DOCKER, ONLY_DOCKER, StepScenario


def _heard(scenario: StepScenario, step: Step) -> tuple[Outcome, list[Event]]:
    """Carry a step out, and return its outcome and events."""
    events: list[Event] = []
    return converge(step, scenario.world, check=False, emit=events.append)[0], events


def _notes(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Info)]


def _second_version(scenario: StepScenario) -> None:
    """Let version 1 serve, and version 2 be built."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build("2"))


def _on_start(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch, call: Callable[[Container], object]) -> None:
    """Call a function before each start of a container."""
    engine = scenario.backend.engine
    start = engine.start

    def watched(container_id: str) -> None:
        container = engine.container(container_id)
        assert container is not None
        call(container)
        start(container_id)

    monkeypatch.setattr(engine, "start", watched)


def _is_new(scenario: StepScenario, container: Container) -> bool:
    """Return whether this container is to replace the serving one."""
    return container.name != scenario.app.container_name and "-smoke-" not in container.name


@ALSO_DOCKER
def test_the_order(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old container serves until the new image has passed its checks beside it; then the new one takes the port."""
    _second_version(scenario)
    served: dict[str, str | None] = {}
    _on_start(
        scenario,
        monkeypatch,
        lambda one: served.setdefault("new" if _is_new(scenario, one) else "beside", scenario.served()),
    )

    outcome, events = _heard(scenario, scenario.serve("2"))

    assert outcome.status is Status.CHANGED, outcome.error
    assert list(served.items()) == [("beside", "hello"), ("new", None)]
    gap = re.fullmatch(r"(\d+\.\d) s without service", _notes(events)[-1])
    assert gap
    assert float(gap[1]) < 10
    assert outcome.notes[-1] == gap[0]
    assert (scenario.served(), len(scenario.backend.containers())) == ("hello again", 1)


def test_another_port_without_a_gap(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch, another_port: int) -> None:
    """If the app moves to another port, it answers there before the old container is stopped."""
    scenario.prepare(scenario.build(), scenario.serve())
    moved = replace(scenario, app=scenario.app.but(host_port=another_port))
    engine = scenario.backend.engine
    stop, served = engine.stop, []

    def watched(container_id: str, *, grace: float) -> None:
        served.append(moved.served())
        stop(container_id, grace=grace)

    monkeypatch.setattr(engine, "stop", watched)
    outcome, events = _heard(moved, moved.serve())

    assert outcome.status is Status.CHANGED, outcome.error
    assert outcome.reason.endswith(": host_port")
    assert (served[0], _notes(events)) == ("hello", [])
    assert (moved.served(), scenario.served(), len(scenario.backend.containers())) == ("hello", None, 1)


def test_a_new_one_that_does_not_start(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the new container does not start, the old one is started again, and a note says so."""
    _second_version(scenario)
    before = scenario.backend.containers()

    def refuse(one: Container) -> None:
        if _is_new(scenario, one):
            raise StepFailed("it does not start", reason="the port is taken", hint="")

    _on_start(scenario, monkeypatch, refuse)
    outcome, events = _heard(scenario, scenario.serve("2"))

    assert outcome.message == "it does not start"
    assert scenario.backend.containers() == before
    assert (scenario.served(), scenario.served("/version")) == ("hello", "1")
    assert re.search(rf"\b{scenario.app.container_name} serves again, after \d+\.\d s", _notes(events)[-1])


def test_a_new_one_that_fails_on_the_port(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new container is checked again on the app's port; if it fails there, the old one is started again."""
    _second_version(scenario)
    before = scenario.backend.containers()
    engine = scenario.backend.engine
    assert isinstance(engine, MemoryEngine)
    start = engine.start

    def start_another(container_id: str) -> None:
        container = engine.container(container_id)
        if container and _is_new(scenario, container):
            engine.program = lambda *_: (200, b"goodbye")
            MemoryEngine.start(engine, container_id)
        else:
            start(container_id)

    monkeypatch.setattr(engine, "start", start_another)
    outcome, _ = _heard(scenario, scenario.serve("2"))

    assert isinstance(outcome.error, SmokeFailed)
    assert scenario.backend.containers() == before
    assert scenario.served() == "hello"


def test_an_old_one_that_does_not_answer_again(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old container gets the app's smoke_timeout to answer again; a warning says if it does not."""
    _second_version(scenario)
    engine = scenario.backend.engine
    assert isinstance(engine, MemoryEngine)
    start, broken = engine.start, []

    def break_down(container_id: str) -> None:
        container = engine.container(container_id)
        if container and _is_new(scenario, container):
            broken.append(container_id)
            raise StepFailed("it does not start", reason="the port is taken", hint="")
        if broken:
            engine.program = lambda *_: (503, b"not yet")
            MemoryEngine.start(engine, container_id)
        else:
            start(container_id)

    monkeypatch.setattr(engine, "start", break_down)
    hasty = replace(scenario, app=scenario.app.but(smoke_timeout=0.5))
    outcome, events = _heard(hasty, hasty.serve("2"))

    assert outcome.status is Status.FAILED
    (warning,) = [event.text for event in events if isinstance(event, WarningEvent)]
    assert scenario.app.container_name in warning
    assert 0.5 <= outcome.seconds < 5


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


@ONLY_DOCKER
@pytest.mark.parametrize(
    ("start", "named"),
    [
        ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", "stop_grace"),
        ("CMD python3 /app.py; true", "write CMD as a list"),
    ],
)
def test_requests_that_are_lost(scenario: StepScenario, start: str, named: str) -> None:
    """A warning says if the app was killed after its grace, or a shell ended before it."""
    app = scenario.app.but(stop_grace=1)
    file = app.dockerfile if start.startswith("CMD") else app.context / "app.py"
    text = file.read_text()
    file.write_text(re.sub("(?m)^CMD.*", start, text) if start.startswith("CMD") else f"{start}\n{text}")
    deaf = replace(scenario, app=app)
    deaf.prepare(deaf.build("1"), deaf.serve("1"))

    outcome, events = _heard(deaf, deaf.stop())

    assert outcome.status is Status.CHANGED, outcome.error
    (warning,) = [event.text for event in events if isinstance(event, WarningEvent)]
    assert app.container_name in warning
    assert named in warning
    assert outcome.seconds < 15
