"""Signals while `run` replaces a container: the old container serves on, and nothing new is left."""

from __future__ import annotations

import signal
from collections.abc import Callable

import docker
import pytest
import requests

from tests.cli_project import Done, Project
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.container]
_SLOW_START = "time.sleep(0.3)"
# A server that ends slowly, so that a signal can arrive while it ends.
_SLOW_END = "import signal; signal.signal(signal.SIGTERM, lambda *_: (print('ending'), time.sleep(0.7), os._exit(0)))"


@pytest.fixture
def served(project: Project) -> Project:
    """The project with version 1 served and version 2 built."""
    project.write(at_start=f"{_SLOW_START}; {_SLOW_END}")
    for words in (("build", "--version", "1", "run"), ("build", "--version", "2")):
        done = project.invoke(*words)
        assert done.code == 0, done.all
    return project


def test_signals(served: Project, client: docker.DockerClient) -> None:
    """Ctrl-C and SIGTERM end the command within five seconds, and the old container serves until the next run."""
    old, new = "1", "2"
    for phase, number in (
        ("beside", signal.SIGINT),
        ("stopping", signal.SIGINT),
        ("started", signal.SIGTERM),
    ):
        before, started = _containers(client, served), _started_at(client, served)

        done = _cut(client, served, new, phase, number)

        assert done.code == 128 + number, (phase, done.all)
        assert done.seconds < 5, phase
        assert _containers(client, served) == before, phase
        assert _page(served) == f"hello {old}", phase
        assert (_started_at(client, served) == started) is (phase == "beside"), "only a stopped container is restarted"
        assert served.invoke("run", "--version", new).code == 0, phase
        assert _page(served) == f"hello {new}", phase
        old, new = new, old


def test_kills(served: Project, client: docker.DockerClient) -> None:
    """After SIGKILL the next run serves the new version, and clears up what was left."""
    for phase, new in (("beside", "2"), ("started", "1")):
        _cut(client, served, new, phase, signal.SIGKILL)
        assert len(_containers(client, served)) == 2, phase

        done = served.invoke("run", "--version", new)

        assert done.code == 0, done.all
        assert _page(served) == f"hello {new}", phase
        assert [(name, state) for name, _, state in _containers(client, served)] == [(f"{served.name}-web", "running")]
        assert "changed=0" in served.invoke("run", "--version", new).out, phase


def test_two_at_once(served: Project, client: docker.DockerClient) -> None:
    """Of two runs at the same time the second waits for the first, and both succeed."""
    first = served.start("run", "--version", "2")
    wait_until(_reached(client, served, "beside"))
    second = served.invoke("run", "--version", "2")
    out, err = first.communicate(timeout=60)

    assert (first.returncode, second.code) == (0, 0), out + err + second.all
    assert str(first.pid) in second.out
    assert len(_containers(client, served)) == 1


def _containers(client: docker.DockerClient, project: Project) -> list[tuple[str, str, str]]:
    """Return name, id and state of each container of the project."""
    every = client.api.containers(all=True, filters={"label": f"seatrial.project={project.name}"})
    return [(one["Names"][0].lstrip("/"), one["Id"], one["State"]) for one in every]


def _started_at(client: docker.DockerClient, project: Project) -> str:
    return str(client.containers.get(f"{project.name}-web").attrs["State"]["StartedAt"])


def _reached(client: docker.DockerClient, project: Project, phase: str) -> Callable[[], bool]:
    """Return a function that returns whether a replacement has reached a phase."""
    serving = f"{project.name}-web"

    def reached() -> bool:
        if phase == "stopping":
            return b"ending" in client.api.logs(serving)
        new = [(name, state) for name, _, state in _containers(client, project) if name != serving]
        return any(state == "running" and ("-smoke-" in name) is (phase == "beside") for name, state in new)

    return reached


def _cut(client: docker.DockerClient, project: Project, new: str, phase: str, number: signal.Signals) -> Done:
    """Start a replacement by a version, send it a signal in a phase, and return how it ends."""
    process = project.start("run", "--version", new)
    reached = _reached(client, project, phase)
    wait_until(lambda: reached() or process.poll() is not None, 30, pause=0.001)
    assert process.poll() is None, "it ended before that phase"
    return project.interrupt(process, number)


def _page(project: Project) -> str:
    return requests.get(f"http://127.0.0.1:{project.port}/", timeout=5).text
