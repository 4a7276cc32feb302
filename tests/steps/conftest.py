"""The scenario of step tests, once in memory and once on the real engine: the same tests must pass on both."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.pipeline.state import StateFolder
from tests.steps.backend import Backend
from tests.steps.docker_backend import DockerBackend
from tests.steps.memory_backend import MemoryBackend
from tests.steps.scenario import StepScenario, make_app

_BACKENDS = ["memory", pytest.param("docker", marks=pytest.mark.engine)]


@pytest.fixture(params=_BACKENDS)
def scenario(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[StepScenario]:
    """A scenario with an open registry."""
    yield from make_scenario(request, tmp_path, free_port, guarded=False)


@pytest.fixture(params=_BACKENDS)
def guarded_scenario(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[StepScenario]:
    """A scenario whose registry has one user with a password."""
    yield from make_scenario(request, tmp_path, free_port, guarded=True)


def make_scenario(
    request: pytest.FixtureRequest, folder: Path, port: int, *, guarded: bool = False
) -> Iterator[StepScenario]:
    """Yield the scenario of a test that is parametrized with `memory` or `docker`."""
    if request.param == "docker":
        backend, project = _docker(request, folder, guarded=guarded)
    else:
        project = f"t{secrets.token_hex(5)}"
        users = {"alice": f"S3ntinel-{secrets.token_hex(8)}"} if guarded else {}
        backend = MemoryBackend(users, project)
        # What serves in memory does not die after its answers.
        standing = "seatrial.steps.smoke.smoke_container._STANDING_SECONDS"
        request.getfixturevalue("monkeypatch").setattr(standing, 0)
    app = make_app(project, folder / "app", backend.base, port)
    scenario = StepScenario(app=app, backend=backend, state=StateFolder(folder / "notes"))
    scenario.set_reply("hello")
    try:
        yield scenario
    finally:
        backend.clean()


def _docker(request: pytest.FixtureRequest, folder: Path, *, guarded: bool) -> tuple[Backend, str]:
    # The project's name comes last: its fixture checks that nothing created after it is left.
    client, base = request.getfixturevalue("client"), request.getfixturevalue("python_image")
    registry = request.getfixturevalue("guarded_registry" if guarded else "open_registry")
    project = request.getfixturevalue("project_name")
    return DockerBackend(client, registry, base, project, folder / "docker"), project


@pytest.fixture
def gone() -> int:
    """The process id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
