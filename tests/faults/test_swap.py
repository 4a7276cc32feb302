"""What goes wrong in the middle of a swap: who visits the app notices nothing of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import docker
import pytest

from tests.cli_project import Done, Project, failed
from tests.host.memory_redirects import firewall_rules
from tests.servers.load_client import LoadClient
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.container,
    pytest.mark.skipif(firewall_rules() is None, reason="only root may redirect connections, and needs iptables"),
]
_SLOW_START = "time.sleep(0.3)"
# A server that takes its time to end: the middle of its end can be met.
_SLOW_END = "import signal; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.7), os._exit(0)))"
_PHASES = ("create", "prove", "redirect", "stop", "start", "end")


@pytest.fixture
def served(project: Project) -> Iterator[Project]:
    """The project with its version 1 served and its version 2 built; in the end none of its redirects is left."""
    project.write(at_start=f"{_SLOW_START}; {_SLOW_END}")
    done = project.invoke("build", "--version", "1", "run")
    assert done.code == 0, done.all
    assert project.invoke("build", "--version", "2").code == 0
    yield project
    assert firewall_rules(project.name) == []


def _containers(client: docker.DockerClient, project: Project) -> dict[str, str]:
    """Return the state of each container of the project by its name."""
    every = client.api.containers(all=True, filters={"label": f"seatrial.project={project.name}"})
    return {one["Names"][0].lstrip("/").removeprefix(f"{project.name}-web"): one["State"] for one in every}


def _reached(client: docker.DockerClient, project: Project, phase: str) -> Callable[[], bool]:
    """Return a look at whether a swap has come to a phase."""

    def state(role: str) -> str | None:
        return next((state for name, state in _containers(client, project).items() if name.startswith(role)), None)

    def redirected() -> bool:
        return bool(firewall_rules(project.name))

    looks: dict[str, Callable[[], bool]] = {
        "create": lambda: state("-second") is not None,
        "prove": lambda: state("-second") == "running",
        "redirect": redirected,
        "stop": lambda: state("-next") == "created",
        "start": lambda: state("-next") == "running",
        "end": lambda: state("-before") is not None or (state("-next") == "running" and not redirected()),
    }
    return looks[phase]


def test_a_good_one(served: Project, client: docker.DockerClient) -> None:
    """Another version takes the place of the one that serves, and no request is lost."""
    with LoadClient(port=served.port) as load_client:
        wait_until(lambda: load_client.count > 0)
        done = served.invoke("run", "--version", "2")
        wait_until(lambda: "hello 2" in load_client.pages)

    assert done.code == 0, done.all
    assert "new connections were redirected to a second container" in done.out
    assert (load_client.lost, load_client.pages) == ([], ["hello 1", "hello 2"])
    assert _containers(client, served) == {"": "running"}


def test_a_bad_one(served: Project, client: docker.DockerClient) -> None:
    """While the new image fails its checks, the old container serves on, untouched."""
    served.write(page="goodbye")
    assert served.invoke("build", "--version", "2").code == 0
    before = client.containers.get(f"{served.name}-web").attrs["State"]["StartedAt"]
    with LoadClient(port=served.port) as load_client:
        failed(served.invoke("run", "--version", "2"))

    assert (load_client.lost, load_client.pages) == ([], ["hello 1"])
    assert client.containers.get(f"{served.name}-web").attrs["State"]["StartedAt"] == before
    assert _containers(client, served) == {"": "running"}


def test_two_at_once(served: Project, client: docker.DockerClient) -> None:
    """Two runs at the same time: the second waits for the first, both come true, and no request is lost."""
    with LoadClient(port=served.port) as load_client:
        first = served.start("run", "--version", "2")
        wait_until(_reached(client, served, "create"))
        second = served.invoke("run", "--version", "2")
        out, err = first.communicate(timeout=60)

    assert (first.returncode, second.code) == (0, 0), out + err + second.all
    assert f"(pid {first.pid}) since" in second.out
    assert load_client.lost == []
    assert _containers(client, served) == {"": "running"}


@pytest.mark.parametrize(("phase", "number"), [*zip(_PHASES, [signal.SIGINT, signal.SIGTERM] * 3, strict=True)])
def test_a_signal(served: Project, client: docker.DockerClient, phase: str, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM in any phase end the command within five seconds; nobody loses a request, nothing is left."""
    with LoadClient(port=served.port) as load_client:
        done = _cut(served, _reached(client, served, phase), number)
        time.sleep(0.2)

    assert done.code == 128 + number, done.all
    assert done.seconds < 5
    assert load_client.lost == []
    assert _containers(client, served) == {"": "running"}
    assert served.invoke("run", "--version", "2").code == 0


@pytest.mark.parametrize("phase", _PHASES[1:])  # before and in the proof the same is left
def test_a_kill(served: Project, client: docker.DockerClient, phase: str) -> None:
    """SIGKILL in any phase loses no request, neither does the next run, which clears away what was left."""
    with LoadClient(port=served.port) as load_client:
        _cut(served, _reached(client, served, phase), signal.SIGKILL)
        time.sleep(1.5)  # as long as the engine still stops what it was told to stop
        done = served.invoke("run", "--version", "2")
        wait_until(lambda: "hello 2" in load_client.pages)

    assert done.code == 0, done.all
    assert load_client.lost == []
    assert _containers(client, served) == {"": "running"}
    assert "changed=0" in served.invoke("run", "--version", "2").out


def test_stop_after_a_kill(served: Project, client: docker.DockerClient) -> None:
    """Stop takes away what a killed swap left: the containers and the redirect."""
    _cut(served, _reached(client, served, "start"), signal.SIGKILL)

    assert served.invoke("stop").code == 0

    assert _containers(client, served) == {}
    assert firewall_rules(served.name) == []


def test_where_nothing_can_be_redirected(served: Project, client: docker.DockerClient) -> None:
    """Without iptables the old container gives way first, and the time without service is told."""
    path = os.pathsep.join(one for one in os.get_exec_path() if not one.rstrip("/").endswith("sbin"))
    with LoadClient(port=served.port) as load_client:
        done = served.invoke("run", "--version", "2", PATH=path)

    assert done.code == 0, done.all
    (told,) = [line.strip() for line in done.out.splitlines() if "the app was down" in line]
    seconds, _, reason = told.rpartition("the app was down for ")[2].partition(" s: ")
    assert reason == "there is no iptables on PATH"
    assert load_client.lost
    # The end of the old one takes 0.7 s, the start of the next 0.3 s.
    assert 1 <= float(seconds) < 15
    assert load_client.longest_gap >= 0.9
    assert _containers(client, served) == {"": "running"}


def _cut(project: Project, reached: Callable[[], bool], number: signal.Signals) -> Done:
    """Begin a swap, send it a signal once it has come that far, and give how it ends."""
    process = project.start("run", "--version", "2")
    wait_until(lambda: reached() or process.poll() is not None, 30, pause=0.001)
    assert process.poll() is None, "it ended before it came that far"
    return project.interrupt(process, number)
