"""The scenario of step tests: in memory; the tests that need the real engine ask for it."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.pipeline.state import StateFolder
from tests.steps.docker_backend import DockerBackend
from tests.steps.memory_backend import MemoryBackend
from tests.steps.scenario import Backend, StepScenario, make_app


@pytest.fixture(params=["memory"])
def scenario(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[StepScenario]:
    """A scenario with an open registry: in memory, and for a test that is parametrized so, on the real engine."""
    if request.param == "docker":
        backend, project = _docker(request)
    else:
        project = f"t{secrets.token_hex(5)}"
        backend = MemoryBackend(project)
        # What serves in memory does not die after its answers.
        standing = "seatrial.steps.smoke.smoke_container._STANDING_SECONDS"
        request.getfixturevalue("monkeypatch").setattr(standing, 0)
    app = make_app(project, tmp_path / "app", backend.base, free_port)
    scenario = StepScenario(app=app, backend=backend, state=StateFolder(tmp_path / "notes"))
    scenario.set_reply("hello")
    try:
        yield scenario
    finally:
        backend.clean()


def _docker(request: pytest.FixtureRequest) -> tuple[Backend, str]:
    # The project's name comes last: its fixture checks that nothing created after it is left.
    client, base = request.getfixturevalue("client"), request.getfixturevalue("python_image")
    registry = request.getfixturevalue("open_registry")
    project = request.getfixturevalue("project_name")
    return DockerBackend(client, registry, base, project), project


@pytest.fixture
def gone() -> int:
    """The process id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
