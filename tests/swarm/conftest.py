"""Tests on a swarm of three nodes: `./inv test --engine swarm` starts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import docker
import pytest

from tests.cli_project import Project
from tests.conftest import TestRegistry, wait_until
from tests.servers.registries import plain_registry
from tests.servers.swarm_engine import REGISTRY_PORT, SwarmNode


@pytest.fixture(scope="session", autouse=True)
def _swarm(client: docker.DockerClient) -> None:
    """Skip a test where it is run on another engine."""
    if not client.info()["Swarm"].get("ControlAvailable"):
        pytest.skip("this engine manages no swarm: ./inv test --engine swarm")


@pytest.fixture(scope="session")
def nodes() -> list[SwarmNode]:
    """The nodes of the swarm; the first manages it, the second has the registry."""
    return SwarmNode.at(os.environ["DOCKER_HOST"])


@pytest.fixture(scope="session")
def registry(nodes: list[SwarmNode]) -> Iterator[TestRegistry]:
    """A registry that every node reaches under the same name."""
    with (
        closing(docker.DockerClient(nodes[1].host)) as client,
        plain_registry(client, address="", port=REGISTRY_PORT) as found,
    ):
        yield found


@pytest.fixture
def shop(project: Project, client: docker.DockerClient, nodes: list[SwarmNode]) -> Iterator[Project]:
    """A project whose service is removed in the end, with all its containers on all nodes."""
    yield project
    for service in client.services.list(filters={"name": project.name}):
        service.remove()
    for node in nodes:
        with closing(docker.APIClient(node.host)) as engine:
            wait_until(partial(_has_nothing_of, engine, project), seconds=30, pause=0.2)


def _has_nothing_of(engine: docker.APIClient, project: Project) -> bool:
    return not engine.containers(all=True, filters={"label": f"seatrial.project={project.name}"})
