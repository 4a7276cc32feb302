"""run: on the twin and on the real engine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed, StepFailed
from seatrial.model.version import Version
from seatrial.pipeline.step import Status
from seatrial.steps.serve.run import Run
from tests.conftest import wait_until
from tests.steps.scenario import StepScenario


@pytest.fixture
def listener(free_port: int) -> Iterator[int]:
    """The app's port, where this very process listens."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
        yield free_port


def test_four_runs(scenario: StepScenario) -> None:
    """The app serves the image on its port, in one container that stays the same the second time."""
    scenario.prepare(scenario.build())

    done = scenario.four_runs(scenario.serve())

    assert done.reason == "nothing serves web yet"
    container_id, image, state = scenario.container() or ("", "", "")
    assert (image, state) == (scenario.image_id(scenario.local()), "running")
    assert done.after == container_id
    assert (scenario.served(), scenario.served("/version")) == ("hello", "1")


def test_another_image_takes_the_place(scenario: StepScenario) -> None:
    """A new image is served in a new container, and the old container is gone."""
    scenario.prepare(scenario.build("1"), scenario.serve("1"))
    before = scenario.container()
    scenario.set_reply("hello again")
    scenario.prepare(scenario.build("2"))

    done = scenario.four_runs(scenario.serve("2"))

    assert done.reason == f"it serves another image than {scenario.local('2')}"
    assert before is not None
    assert done.before == before[0] != done.after
    assert (scenario.served(), scenario.served("/version")) == ("hello again", "2")
    assert len(scenario.backend.containers()) == 1


@pytest.mark.parametrize(("reply", "error"), [("goodbye", SmokeFailed), ("crash", ContainerFailed)])
def test_a_new_image_that_fails(scenario: StepScenario, reply: str, error: type[SeatrialError]) -> None:
    """When the new image does not pass, the old container goes on serving under its name, and nothing else is left."""
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
    """When nothing served before and the image does not pass, nothing serves and no container is left."""
    scenario.set_reply("goodbye")
    scenario.prepare(scenario.build())

    assert isinstance(scenario.real(scenario.serve()).error, SmokeFailed)

    assert scenario.backend.containers() == frozenset()
    assert scenario.served() is None


def test_other_options_are_named(scenario: StepScenario) -> None:
    """A container with other options is replaced; they are named, and of the environment no value is shown."""
    scenario.prepare(scenario.build(), scenario.serve())
    app = replace(scenario.app, memory=96 * 1024 * 1024, environment={"TOKEN": "S3ntinel"})

    done = scenario.four_runs(Run(target=app, version=Version("1")))

    assert done.reason == "options differ: environment TOKEN, memory"
    assert done.before != done.after
    assert scenario.served() == "hello"
    assert len(scenario.backend.containers()) == 1


def test_a_container_that_ended_is_started_anew(scenario: StepScenario) -> None:
    """An ended container does not count as serving."""
    scenario.prepare(scenario.build(), scenario.serve())
    scenario.backend.engine.stop((scenario.container() or ("",))[0], grace=1)

    done = scenario.four_runs(scenario.serve())

    assert done.reason.startswith("its container has ended with exit code ")
    assert scenario.served() == "hello"
    assert len(scenario.backend.containers()) == 1


def test_a_container_of_that_name_from_elsewhere(scenario: StepScenario) -> None:
    """Somebody else's container that has the name makes the step fail, and is never touched."""
    scenario.prepare(scenario.build())
    scenario.backend.put_container(scenario.app.container_name, {"seatrial.project": "another"})
    before = scenario.seen()

    check, real = scenario.check(scenario.serve()), scenario.real(scenario.serve())

    for outcome in (check, real):
        assert outcome.status is Status.FAILED
        assert outcome.reason == f"the name {scenario.app.container_name} is taken"
        assert isinstance(outcome.error, ContainerFailed)
    assert scenario.seen() == before


def test_a_process_holds_the_port(scenario: StepScenario, listener: int) -> None:
    """When a process holds the port it is named with its id, and no container is left."""
    scenario.prepare(scenario.build())

    outcome = scenario.real(scenario.serve())

    assert isinstance(outcome.error, ContainerFailed)
    assert outcome.error.message == f"port {listener} is taken"
    assert f"process {os.getpid()} (" in outcome.error.reason
    assert f"--port {listener + 1}" in outcome.error.hint
    assert scenario.backend.containers() == frozenset()


def test_a_container_holds_the_port(scenario: StepScenario) -> None:
    """When a container holds the port it is named, and goes on."""
    scenario.prepare(scenario.build())
    name = f"{scenario.app.project}-other"
    scenario.backend.put_container(name, {}, scenario.app.host_port)
    before = scenario.backend.containers()

    outcome = scenario.real(scenario.serve())

    assert outcome.error is not None
    assert outcome.error.reason == f"the container {name} holds it"
    assert scenario.backend.containers() == before


def test_a_taken_port_keeps_the_old_one_serving(scenario: StepScenario, listener: int) -> None:
    """A move to a port that is taken fails, and the app goes on serving where it did."""
    moved = replace(scenario.app, host_port=_another_port())
    scenario.prepare(scenario.build(), Run(target=moved, version=Version("1")))
    before = scenario.backend.containers()

    outcome = scenario.real(scenario.serve())

    assert outcome.error is not None
    assert outcome.error.message == f"port {listener} is taken"
    assert scenario.backend.containers() == before
    wait_until(lambda: replace(scenario, app=moved).served() == "hello")


def test_no_image(scenario: StepScenario) -> None:
    """Where nothing was built there is nothing to run."""
    outcome = scenario.real(scenario.serve(None))

    assert isinstance(outcome.error, StepFailed)
    assert outcome.error.hint == "invoke build"


def test_without_a_version_the_last_build_is_served(scenario: StepScenario) -> None:
    """Without a version it is the image built last."""
    scenario.prepare(scenario.build("1"), scenario.build("2"), scenario.serve(None))

    assert scenario.served("/version") == "2"


def _another_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("serving", [True, False])
def test_what_a_killed_run_left_is_removed(scenario: StepScenario, gone: int, *, serving: bool) -> None:
    """A container that a killed run left in the middle of its swap is no proof of anything and goes away."""
    scenario.prepare(scenario.build(), *([scenario.serve()] if serving else []))
    mine = {**scenario.app.labels, **scenario.world.process.labels, "seatrial.pid": str(gone)}
    left = f"{scenario.app.container_name}-next-dead"
    scenario.backend.put_container(left, mine)

    done = scenario.four_runs(scenario.serve())

    assert done.reason == (f"a run that was killed left {left}" if serving else "nothing serves web yet")
    assert not scenario.container(left)
    assert scenario.served() == "hello"


def test_stop_removes_what_a_killed_run_left(scenario: StepScenario, gone: int) -> None:
    """Nothing of the app's is left when it has been stopped, also not what a killed run left."""
    scenario.prepare(scenario.build())
    mine = {**scenario.app.labels, **scenario.world.process.labels, "seatrial.pid": str(gone)}
    scenario.backend.put_container(f"{scenario.app.container_name}-next-dead", mine)

    scenario.four_runs(scenario.stop())

    assert not scenario.backend.containers()
