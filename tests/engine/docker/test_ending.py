"""Who ended a container is told apart: the kernel for memory, somebody at the engine, the app itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest
from docker.models.containers import Container

from seatrial.engine.docker.ending import ended_by, oom_kills_in_host, oom_kills_of
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.inspection import ContainerInspection
from tests.waiting import wait_until

_HOARD = "b = bytearray(200 * 1024 * 1024)"


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    """The real engine."""
    found = DockerEngine()
    yield found
    found.close()


def _inspected(engine: DockerEngine, container: Container) -> ContainerInspection:
    found = engine.inspect_container(str(container.id))
    assert found
    return found


@pytest.mark.engine
def test_who_killed(engine: DockerEngine, client: docker.DockerClient, python_image: str, project_name: str) -> None:
    """Exit code 137 is the same for all of them, and the engine's flag, events and the kernel's counter differ."""

    def run(code: str, limit: str = "64m") -> Container:
        return client.containers.run(
            python_image,
            ["python3", "-c", f"import os, time\n{code}"],
            labels={"seatrial.project": project_name},
            detach=True,
            init=True,
            mem_limit=limit,
        )

    hoarder, itself = run(_HOARD, "24m"), run("os.kill(os.getpid(), 9)")
    killed = run("time.sleep(60)")
    master = run(f"if not os.fork(): {_HOARD}\nos.wait()\ntime.sleep(60)", "24m")
    killed.kill()
    for container in (hoarder, itself, killed):
        container.wait(timeout=30)
    wait_until(lambda: bool(_inspected(engine, master).oom_kills))

    ends = [_inspected(engine, one) for one in (hoarder, itself, killed)]
    assert [one.exit_code for one in ends] == [137, 137, 137]
    assert [one.oom_killed or one.ended_by == "memory" for one in ends] == [True, False, False]
    assert [one.ended_by for one in ends[1:]] == ["itself", "request"]
    assert _inspected(engine, master).running
    for container in (hoarder, itself, killed, master):
        container.remove(force=True)


def test_an_engine_that_was_restarted() -> None:
    """An engine that has forgotten the container's start was restarted since."""
    end = {"ExitCode": 137, "FinishedAt": "2026-11-25T00:38:17.350000001Z"}
    forgetful = SimpleNamespace(events=lambda **_: iter([{"Action": "start", "Actor": {"ID": "other"}}]))
    assert ended_by(forgetful, {"Id": "abc", "State": end}) == "restart"
    busy = SimpleNamespace(events=lambda **_: iter([{"Action": "start", "Actor": {"ID": "other"}}] * 256))
    assert ended_by(busy, {"Id": "abc", "State": end}) == "itself"


@pytest.mark.parametrize(
    ("groups", "file"),
    [
        ("0::/docker/abc\n", "docker/abc/memory.events"),
        ("5:memory:/docker/abc\n4:pids:/docker/abc\n", "memory/docker/abc/memory.oom_control"),
    ],
)
def test_the_kernel_s_counter(tmp_path: Path, groups: str, file: str) -> None:
    """The counter is read in both versions of cgroups, and only for a process of the container."""
    counter = tmp_path / "sys/fs/cgroup" / file
    counter.parent.mkdir(parents=True)
    counter.write_text("low 0\noom_kill 2\n")
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text(groups)
    assert oom_kills_in_host(7, "abc", root=tmp_path) == 2
    assert oom_kills_in_host(7, "other", root=tmp_path) is None
    assert oom_kills_in_host(8, "abc", root=tmp_path) is None
    assert oom_kills_of("") is None
