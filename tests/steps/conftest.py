"""The stage, once on the engine's twin in memory and once on the real engine: the same tests must pass on both."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.pipeline.state import Notes
from tests.steps.docker_ground import DockerGround
from tests.steps.ground import Ground
from tests.steps.memory_ground import MemoryGround
from tests.steps.stage import Stage, make_app

_GROUNDS = ["memory", pytest.param("docker", marks=pytest.mark.engine)]


@pytest.fixture(params=_GROUNDS)
def stage(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[Stage]:
    """A stage whose registry lets everybody in."""
    yield from _stage(request, tmp_path, free_port, guarded=False)


@pytest.fixture(params=_GROUNDS)
def guarded_stage(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[Stage]:
    """A stage whose registry knows one user by password."""
    yield from _stage(request, tmp_path, free_port, guarded=True)


def _stage(request: pytest.FixtureRequest, folder: Path, port: int, *, guarded: bool) -> Iterator[Stage]:
    if request.param == "docker":
        ground, project = _docker(request, folder, guarded=guarded)
    else:
        project = f"t{secrets.token_hex(5)}"
        users = {"captain": f"S3ntinel-{secrets.token_hex(8)}"} if guarded else {}
        ground = MemoryGround(users, project)
    app = make_app(project, folder / "app", ground.base, port)
    stage = Stage(app=app, ground=ground, notes=Notes(folder / "notes"))
    stage.say("hello")
    try:
        yield stage
    finally:
        ground.clean()


def _docker(request: pytest.FixtureRequest, folder: Path, *, guarded: bool) -> tuple[Ground, str]:
    # The project's name comes last: its fixture proves that nothing is left of what was made after it.
    client, base = request.getfixturevalue("client"), request.getfixturevalue("python_image")
    registry = request.getfixturevalue("guarded_registry" if guarded else "open_registry")
    project = request.getfixturevalue("project_name")
    return DockerGround(client, registry, base, project, folder / "docker"), project


@pytest.fixture
def gone() -> int:
    """The process id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
