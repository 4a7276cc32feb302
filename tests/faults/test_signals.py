"""Ctrl-C, SIGTERM and SIGHUP: incomplete work is cleaned up, and the report is still printed."""

from __future__ import annotations

import json
import re
import signal
import time

import docker
import pytest

from tests.cli_project import Project, command_lines
from tests.conftest import wait_until
from tests.servers.registries import TestRegistry

pytestmark = [pytest.mark.engine, pytest.mark.container]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_during_a_build(project: Project, open_registry: TestRegistry, number: signal.Signals, code: int) -> None:
    """A signal in the middle of a RUN ends the command within five seconds and cancels the build in the engine."""
    sleep = f"sleep {project.port}.{code}"
    project.write(run=f"RUN {sleep}")
    process = project.start("release", "--user", "demo", "--version", "1", "--registry", open_registry.host, "--json")
    wait_until(lambda: sleep in command_lines())

    done = project.interrupt(process, number)

    assert done.code == code
    assert done.seconds < 5
    document = json.loads(done.out)
    assert document["exit_code"] == code
    assert [step["status"] for step in document["steps"]] == ["ok", "failed", "skipped", "skipped", "skipped"]
    assert re.search(r"^ok=1 .*failed=1\b", done.err, re.MULTILINE)
    assert "Traceback" not in done.err
    wait_until(lambda: sleep not in command_lines(), 10)


def test_during_a_smoke_test(project: Project, client: docker.DockerClient) -> None:
    """Two signals at once during a smoke test remove its container all the same; the next run works."""
    project.write(at_request="time.sleep(600)", timeout=60)
    assert project.invoke("build", "--version", "1").code == 0
    process = project.start("smoke", "--json")
    smoke_containers = {"label": [f"seatrial.project={project.name}", "seatrial.smoke"]}
    wait_until(lambda: bool(client.containers.list(filters=smoke_containers)))
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)

    done = project.interrupt(process, signal.SIGINT)

    assert done.code in (130, 143)
    assert done.seconds < 5
    assert json.loads(done.out)["exit_code"] == done.code
    assert not client.containers.list(all=True, filters=smoke_containers)
    project.write()
    assert project.invoke("build", "--version", "1", "smoke").code == 0


def test_a_killed_smoke_test_is_cleaned_up_by_the_next(project: Project, client: docker.DockerClient) -> None:
    """The container of a killed smoke test is removed by the next run."""
    project.write(at_request="time.sleep(600)", timeout=60)
    assert project.invoke("build", "--version", "1").code == 0
    process = project.start("smoke")
    smoke_containers = {"label": [f"seatrial.project={project.name}", "seatrial.smoke"]}
    wait_until(lambda: bool(client.containers.list(filters=smoke_containers)))
    project.interrupt(process, signal.SIGKILL)
    assert client.containers.list(all=True, filters=smoke_containers)
    project.write()

    done = project.invoke("build", "--version", "1", "smoke")

    assert done.code == 0, done.all
    assert not client.containers.list(all=True, filters=smoke_containers)
