"""The next run or stop clears up what a killed run left."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from seatrial.errors import SmokeFailed
from seatrial.model.version import Version
from seatrial.steps.smoke.smoke_container import spec_for
from tests.steps.scenario import ALSO_DOCKER, StepScenario


@pytest.mark.parametrize("serving", [True, False])
def test_what_a_killed_run_left_is_removed(scenario: StepScenario, gone: int, *, serving: bool) -> None:
    """A container that a killed run left, such as the one for its checks, is removed."""
    scenario.prepare(scenario.build(), *([scenario.serve()] if serving else []))
    left = _container_for_checks(scenario, gone)

    done = scenario.four_runs(scenario.serve())

    assert (left in done.reason) is serving
    assert not scenario.container(left)
    assert scenario.served() == "hello"


@ALSO_DOCKER
def test_a_new_container_that_serves(scenario: StepScenario, gone: int) -> None:
    """If a killed run had started its new container, that one is checked, and serves on under the app's name."""
    unfinished = _killed_run(scenario, gone)

    done = scenario.four_runs(scenario.serve("2"))

    assert f"{scenario.app.container_name}-dead" in done.reason
    assert done.after == unfinished
    assert {one[:2] for one in scenario.backend.containers()} == {(scenario.app.container_name, unfinished)}
    assert scenario.served() == "hello again"


@pytest.mark.parametrize("before", [True, False], ids=["before it one served", "before it none did"])
def test_a_new_container_that_fails(scenario: StepScenario, gone: int, *, before: bool) -> None:
    """If that container fails its checks, it is removed, and the one before it serves again."""
    _killed_run(scenario, gone, reply="goodbye")
    if not before:
        scenario.backend.engine.remove(scenario.app.container_name)

    done = scenario.real(scenario.serve("2"))

    assert isinstance(done.error, SmokeFailed)
    running = {name for name, _, _, state in scenario.backend.containers() if state == "running"}
    assert running == ({scenario.app.container_name} if before else set())
    assert scenario.served() == ("hello" if before else None)


def test_another_version_after_a_killed_run(scenario: StepScenario, gone: int) -> None:
    """A run of another version replaces what a killed run left."""
    _killed_run(scenario, gone)

    scenario.four_runs(scenario.serve("1"))

    assert (scenario.served(), len(scenario.backend.containers())) == ("hello", 1)


@pytest.mark.parametrize("moves", [True, False], ids=["to the new port", "back to the old port"])
def test_two_that_serve(scenario: StepScenario, gone: int, another_port: int, *, moves: bool) -> None:
    """If a run was killed on its way to another port, the next run keeps the container on the port it wants."""
    scenario.prepare(scenario.build(), scenario.serve())
    moved = replace(scenario, app=scenario.app.but(host_port=another_port))
    old, new = (scenario.container() or ("",))[0], _start_new(moved, "1", gone)
    wanted = moved if moves else scenario

    done = wanted.four_runs(wanted.serve())

    assert {one[1] for one in scenario.backend.containers()} == {done.after} == {new if moves else old}
    assert wanted.served() == "hello"


@ALSO_DOCKER
@pytest.mark.parametrize("serving", [True, False])
def test_stop(scenario: StepScenario, gone: int, *, serving: bool) -> None:
    """Stop removes all that a killed run left, whether or not it serves."""
    if serving:
        _killed_run(scenario, gone)
    else:
        scenario.prepare(scenario.build())
        _container_for_checks(scenario, gone)

    scenario.four_runs(scenario.stop())

    assert not scenario.backend.containers()


def _container_for_checks(scenario: StepScenario, gone: int) -> str:
    """Leave a container of a killed run that does not serve the app, and return its name."""
    labels = {**scenario.app.labels, **scenario.world.process.labels, "seatrial.pid": str(gone)}
    name = f"{scenario.app.container_name}-smoke-dead"
    scenario.backend.put_container(name, labels)
    return name


def _killed_run(scenario: StepScenario, gone: int, *, reply: str = "hello again") -> str:
    """Stop version 1 and start version 2, as a run that was killed before its checks; return the new container's id."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    scenario.set_reply(reply)
    scenario.prepare(scenario.build("2"))
    scenario.backend.engine.stop(scenario.app.container_name, grace=1)
    return _start_new(scenario, "2", gone)


def _start_new(scenario: StepScenario, version: str, gone: int) -> str:
    """Start the new container of a killed run beside the named one, and return its id."""
    engine, app = scenario.backend.engine, scenario.app
    old = engine.container(app.container_name)
    assert old is not None
    options = {**json.loads(old.labels["seatrial.options"]), "host_port": app.host_port}
    labels = {**old.labels, "seatrial.options": json.dumps(options), "seatrial.pid": str(gone)}
    image = scenario.world.image_for(app, Version(version))
    spec = spec_for(app, image, name=f"{app.container_name}-dead", host_port=app.host_port, labels=labels)
    new = engine.create(spec, lambda _: None)
    engine.start(new)
    return new
