"""Tests on an engine that manages a swarm: `./inv test --engine swarm` starts one."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tests.cli_project import Project
from tests.conftest import wait_until


@pytest.fixture(autouse=True)
def _swarm(client: docker.DockerClient) -> None:
    """Skip a test where it is run on another engine."""
    if not client.info()["Swarm"].get("ControlAvailable"):
        pytest.skip("this engine manages no swarm: ./inv test --engine swarm")


@pytest.fixture
def shop(project: Project, client: docker.DockerClient) -> Iterator[Project]:
    """A project whose service is removed in the end, with all its containers."""
    yield project
    for service in client.services.list(filters={"name": project.name}):
        service.remove()
    ours = {"label": f"seatrial.project={project.name}"}
    wait_until(lambda: not client.api.containers(all=True, filters=ours), seconds=30, pause=0.2)
