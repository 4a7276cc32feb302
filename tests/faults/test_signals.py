"""Ctrl-C, SIGTERM and SIGHUP: incomplete work is cleaned up, and the report is still printed."""

from __future__ import annotations

import re
import signal

import docker
import pytest

from tests.cli_project import Project, command_lines
from tests.conftest import wait_until
from tests.servers.registries import TestRegistry

pytestmark = [pytest.mark.engine, pytest.mark.container]


def test_during_a_build(project: Project, open_registry: TestRegistry) -> None:
    """SIGHUP in the middle of a RUN ends the command within five seconds and cancels the build in the engine."""
    sleep = f"sleep {project.port}.129"
    project.write(run=f"RUN {sleep}")
    process = project.start("release", "--user", "demo", "--version", "1", "--registry", open_registry.host, "--json")
    wait_until(lambda: sleep in command_lines())

    done = project.interrupt(process, signal.SIGHUP)

    assert done.code == done.document["exit_code"] == 129
    assert done.seconds < 5
    assert list(done.statuses.values()) == ["ok", "failed", "skipped", "skipped", "skipped"]
    assert re.search(r"^ok=1 .*failed=1\b", done.err, re.MULTILINE)
    assert "Traceback" not in done.err
    wait_until(lambda: sleep not in command_lines(), 10)


def test_during_a_smoke_test(project: Project, client: docker.DockerClient) -> None:
    """Two signals at once during a smoke test remove its container all the same."""
    project.write(at_request="print('asked'); time.sleep(600)", timeout=60)
    assert project.invoke("build", "--version", "1").code == 0
    process = project.start("smoke", "--json")
    smoke_containers = {"label": [f"seatrial.project={project.name}", "seatrial.smoke"]}
    wait_until(lambda: any(one.logs() for one in client.containers.list(filters=smoke_containers)))
    process.send_signal(signal.SIGTERM)

    done = project.interrupt(process, signal.SIGINT)

    assert done.code in (130, 143)
    assert done.seconds < 5
    assert done.document["exit_code"] == done.code
    assert not client.containers.list(all=True, filters=smoke_containers)
