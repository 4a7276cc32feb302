"""run: on the engine in memory and on the real engine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from seatrial.engine.model import Image, ImageConfig
from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed, UsageError
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.step import AppSteps
from seatrial.pipeline.world import PlannedState
from seatrial.steps.serve.ports import check_ports
from seatrial.steps.serve.run import Run
from seatrial.wording import short_digest
from tests.conftest import wait_until
from tests.steps.scenario import ALSO_DOCKER, StepScenario


@pytest.fixture
def listener(free_port: int) -> Iterator[int]:
    """The app's port, on which this process listens."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
        yield free_port


@ALSO_DOCKER
def test_four_runs(scenario: StepScenario) -> None:
    """The app serves the image on its port, in one container that stays the same the second time."""
    scenario.prepare(scenario.build())

    done = scenario.four_runs(scenario.serve())

    container_id, image, state = scenario.container() or ("", "", "")
    assert (image, state) == (scenario.image_id(scenario.local()), "running")
    assert done.after == container_id
    assert (scenario.served(), scenario.served("/version")) == ("hello", "1")


@ALSO_DOCKER
def test_another_image_takes_the_place(scenario: StepScenario) -> None:
    """A new image is served in a new container, and the old container is gone."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    before = scenario.container()
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build("2"))

    done = scenario.four_runs(scenario.serve("2"))

    assert before is not None
    assert short_digest(before[1]) in done.reason
    assert done.before == before[0] != done.after
    assert (scenario.served(), scenario.served("/version")) == ("hello again", "2")
    assert len(scenario.backend.containers()) == 1


def test_two_environments(scenario: StepScenario, another_port: int) -> None:
    """Each environment has its own container and its own image that was built last; the same inputs share an image."""
    staging = scenario.app.but(settings_environment="staging", host_port=another_port)
    there = replace(scenario, app=staging, state=StateFolder(scenario.state.folder, "staging"))
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    there.prepare(there.build("1"))
    assert len(scenario.backend.images()) == 1

    there = replace(there, app=staging.but(build=staging.build.but(arguments={"MODE": "staging"})))
    there.prepare(there.build("2"), there.serve("2"))

    assert len(scenario.backend.containers()) == 2
    assert scenario.check(scenario.serve("1")).status is Status.OK
    current, ours = scenario.world.current(scenario.app), scenario.image_id(scenario.local("1"))
    assert current is not None
    assert current.id == ours
    assert there.real(there.stop()).status is Status.CHANGED
    assert (scenario.served(), len(scenario.backend.containers())) == ("hello", 1)


@ALSO_DOCKER
@pytest.mark.parametrize(("reply", "error"), [("goodbye", SmokeFailed), ("crash", ContainerFailed)])
def test_a_new_image_that_fails(scenario: StepScenario, reply: str, error: type[SeatrialError]) -> None:
    """If the new image fails, the old container goes on serving under its name, and nothing else is left."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    before = scenario.backend.containers()
    scenario.set_reply(reply)
    scenario.prepare(scenario.build("2"))

    outcome = scenario.real(scenario.serve("2"))

    assert isinstance(outcome.error, error)
    assert scenario.backend.containers() == before
    assert (scenario.served(), scenario.served("/version")) == ("hello", "1")
    assert scenario.check(scenario.serve("1")).status is Status.OK


def test_a_first_image_that_fails(scenario: StepScenario) -> None:
    """If nothing served before and the image fails, nothing serves and no container is left."""
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build())

    assert isinstance(scenario.real(scenario.serve()).error, SmokeFailed)

    assert scenario.backend.containers() == frozenset()
    assert scenario.served() is None


def test_other_options_are_named(scenario: StepScenario) -> None:
    """A container with other options is replaced; the reason names them, and no value of the environment."""
    scenario.prepare(scenario.build(), scenario.serve())
    app = scenario.app.but(memory=96 * 1024 * 1024, environment={"TOKEN": "S3ntinel"})

    done = scenario.four_runs(Run(target=app, version=Version("1")))

    assert "environment TOKEN, memory" in done.reason
    assert "S3ntinel" not in done.reason
    assert done.before != done.after
    assert scenario.served() == "hello"
    assert len(scenario.backend.containers()) == 1


def test_a_container_that_ended_is_replaced(scenario: StepScenario) -> None:
    """An ended container does not count as serving."""
    scenario.prepare(scenario.build(), scenario.serve())
    ended = (scenario.container() or ("",))[0]
    scenario.backend.engine.stop(ended, grace=1)

    done = scenario.four_runs(scenario.serve())

    assert done.before == ended != done.after
    assert scenario.served() == "hello"
    assert len(scenario.backend.containers()) == 1


def test_a_container_of_that_name_from_elsewhere(scenario: StepScenario) -> None:
    """A foreign container with the app's name fails the step and is never touched."""
    scenario.prepare(scenario.build())
    scenario.backend.put_container(scenario.app.container_name, {"seatrial.project": "another"})
    before = scenario.seen()

    check, real = scenario.check(scenario.serve()), scenario.real(scenario.serve())

    for outcome in (check, real):
        assert isinstance(outcome.error, ContainerFailed)
        assert outcome.error.cause == "name-taken"
        assert f"docker rename {scenario.app.container_name} " in outcome.error.hint
    assert scenario.seen() == before


def test_a_taken_port_keeps_the_old_one_serving(scenario: StepScenario, listener: int, another_port: int) -> None:
    """A move to a taken port fails, and the app goes on serving on the old port."""
    moved = scenario.app.but(host_port=another_port)
    scenario.prepare(scenario.build(), Run(target=moved, version=Version("1")))
    before = scenario.backend.containers()

    outcome = scenario.real(scenario.serve())

    assert outcome.error is not None
    assert (outcome.error.cause, str(listener) in outcome.error.message) == ("port-taken", True)
    assert scenario.backend.containers() == before
    wait_until(lambda: replace(scenario, app=moved).served() == "hello")


def test_two_apps_on_one_port(scenario: StepScenario) -> None:
    """Two apps that would be served on one port are refused, also if only their images name it; the hint is free."""
    port = scenario.app.host_port
    named = {"web": scenario.app, "api": scenario.app.but(name="api"), "next": scenario.app.but(host_port=port + 1)}
    runs = [AppSteps(app=name, steps=(Run(target=app.but(name=name), version=None),)) for name, app in named.items()]
    with pytest.raises(UsageError, match=f"web and api .* {port}") as caught:
        check_ports(runs, scenario.world)
    assert f"run --app api --port {port + 2}" in caught.value.hint
    check_ports((runs[0], runs[2]), scenario.world)

    image = Image(id="i", config=ImageConfig(exposed=("8123/tcp",)))
    world = scenario.world.with_planned(PlannedState(current={scenario.app.name: image}))
    unset = scenario.app.but(port=5000, host_port=5000, unset=frozenset({"port", "host_port"}))
    assert Run(target=unset, version=None).host_port(world) == 8123
