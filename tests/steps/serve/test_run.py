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
from tests.steps.stage import Stage


@pytest.fixture
def listener(free_port: int) -> Iterator[int]:
    """The app's port, where this very process listens."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
        yield free_port


def test_four_runs(stage: Stage) -> None:
    """The app serves the image on its port, in one container that stays the same the second time."""
    stage.prepare(stage.build())

    done = stage.four_runs(stage.serve())

    assert done.reason == "nothing serves web yet"
    container_id, image, state = stage.container() or ("", "", "")
    assert (image, state) == (stage.image_id(stage.local()), "running")
    assert done.after == container_id
    assert (stage.served(), stage.served("/version")) == ("hello", "1")


def test_another_image_takes_the_place(stage: Stage) -> None:
    """A new image is served in a new container, and the old container is gone."""
    stage.prepare(stage.build("1"), stage.serve("1"))
    before = stage.container()
    stage.say("hello again")
    stage.prepare(stage.build("2"))

    done = stage.four_runs(stage.serve("2"))

    assert done.reason == f"it serves another image than {stage.local('2')}"
    assert before is not None
    assert done.before == before[0] != done.after
    assert (stage.served(), stage.served("/version")) == ("hello again", "2")
    assert len(stage.ground.containers()) == 1


@pytest.mark.parametrize(("mood", "error"), [("goodbye", SmokeFailed), ("crash", ContainerFailed)])
def test_a_new_image_that_fails(stage: Stage, mood: str, error: type[SeatrialError]) -> None:
    """When the new image does not pass, the old container goes on serving under its name, and nothing else is left."""
    stage.prepare(stage.build("1"), stage.serve("1"))
    before = stage.ground.containers()
    stage.say(mood)
    stage.prepare(stage.build("2"))

    outcome = stage.real(stage.serve("2"))

    assert isinstance(outcome.error, error)
    assert stage.ground.containers() == before
    assert (stage.served(), stage.served("/version")) == ("hello", "1")
    assert stage.check(stage.serve("1")).status is Status.OK


def test_a_first_image_that_fails(stage: Stage) -> None:
    """When nothing served before and the image does not pass, nothing serves and no container is left."""
    stage.say("goodbye")
    stage.prepare(stage.build())

    assert isinstance(stage.real(stage.serve()).error, SmokeFailed)

    assert stage.ground.containers() == frozenset()
    assert stage.served() is None


def test_other_options_are_named(stage: Stage) -> None:
    """A container with other options is replaced; they are named, and of the environment no value is shown."""
    stage.prepare(stage.build(), stage.serve())
    app = replace(stage.app, memory=96 * 1024 * 1024, environment={"TOKEN": "S3ntinel"})

    done = stage.four_runs(Run(target=app, version=Version("1")))

    assert done.reason == "options differ: environment TOKEN, memory"
    assert done.before != done.after
    assert stage.served() == "hello"
    assert len(stage.ground.containers()) == 1


def test_a_container_that_ended_is_started_anew(stage: Stage) -> None:
    """An ended container does not count as serving."""
    stage.prepare(stage.build(), stage.serve())
    stage.ground.engine.stop((stage.container() or ("",))[0], grace=1)

    done = stage.four_runs(stage.serve())

    assert done.reason.startswith("its container has ended with exit code ")
    assert stage.served() == "hello"
    assert len(stage.ground.containers()) == 1


def test_a_container_of_that_name_from_elsewhere(stage: Stage) -> None:
    """Somebody else's container that has the name makes the step fail, and is never touched."""
    stage.prepare(stage.build())
    stage.ground.put_container(stage.app.container_name, {"seatrial.project": "another"})
    before = stage.seen()

    check, real = stage.check(stage.serve()), stage.real(stage.serve())

    for outcome in (check, real):
        assert outcome.status is Status.FAILED
        assert outcome.reason == f"the name {stage.app.container_name} is taken"
        assert isinstance(outcome.error, ContainerFailed)
    assert stage.seen() == before


def test_a_process_holds_the_port(stage: Stage, listener: int) -> None:
    """When a process holds the port it is named with its id, and no container is left."""
    stage.prepare(stage.build())

    outcome = stage.real(stage.serve())

    assert isinstance(outcome.error, ContainerFailed)
    assert outcome.error.what == f"port {listener} is taken"
    assert f"process {os.getpid()} (" in outcome.error.why
    assert f"--port {listener + 1}" in outcome.error.mend
    assert stage.ground.containers() == frozenset()


def test_a_container_holds_the_port(stage: Stage) -> None:
    """When a container holds the port it is named, and goes on."""
    stage.prepare(stage.build())
    name = f"{stage.app.project}-other"
    stage.ground.put_container(name, {}, stage.app.host_port)
    before = stage.ground.containers()

    outcome = stage.real(stage.serve())

    assert outcome.error is not None
    assert outcome.error.why == f"the container {name} holds it"
    assert stage.ground.containers() == before


def test_a_taken_port_keeps_the_old_one_serving(stage: Stage, listener: int) -> None:
    """A move to a port that is taken fails, and the app goes on serving where it did."""
    moved = replace(stage.app, host_port=_another_port())
    stage.prepare(stage.build(), Run(target=moved, version=Version("1")))
    before = stage.ground.containers()

    outcome = stage.real(stage.serve())

    assert outcome.error is not None
    assert outcome.error.what == f"port {listener} is taken"
    assert stage.ground.containers() == before
    wait_until(lambda: replace(stage, app=moved).served() == "hello")


def test_no_image(stage: Stage) -> None:
    """Where nothing was built there is nothing to run."""
    outcome = stage.real(stage.serve(None))

    assert isinstance(outcome.error, StepFailed)
    assert outcome.error.mend == "invoke build"


def test_without_a_version_the_last_build_is_served(stage: Stage) -> None:
    """Without a version it is the image built last."""
    stage.prepare(stage.build("1"), stage.build("2"), stage.serve(None))

    assert stage.served("/version") == "2"


def _another_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("serving", [True, False])
def test_what_a_killed_run_left_is_removed(stage: Stage, gone: int, *, serving: bool) -> None:
    """A container that a killed run left in the middle of its swap is no proof of anything and goes away."""
    stage.prepare(stage.build(), *([stage.serve()] if serving else []))
    mine = {**stage.app.labels, **stage.world.process.labels, "seatrial.pid": str(gone)}
    left = f"{stage.app.container_name}-next-dead"
    stage.ground.put_container(left, mine)

    done = stage.four_runs(stage.serve())

    assert done.reason == (f"a run that was killed left {left}" if serving else "nothing serves web yet")
    assert not stage.container(left)
    assert stage.served() == "hello"


def test_stop_removes_what_a_killed_run_left(stage: Stage, gone: int) -> None:
    """Nothing of the app's is left when it has been stopped, also not what a killed run left."""
    stage.prepare(stage.build())
    mine = {**stage.app.labels, **stage.world.process.labels, "seatrial.pid": str(gone)}
    stage.ground.put_container(f"{stage.app.container_name}-next-dead", mine)

    stage.four_runs(stage.stop())

    assert not stage.ground.containers()
