"""What the tests of commands need besides them: a docker CLI that can build."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from seatrial.errors import SeatrialError
from tests.servers.second_engine import plug_in_buildx


@pytest.fixture(scope="session")
def docker_cli(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """An environment in which `docker build` has BuildKit: of an old CLI, or of the plugin buildx."""
    for folder in map(Path, os.environ["PATH"].split(os.pathsep)):
        if (folder / "docker").exists():
            version = [str(folder / "docker"), "version", "--format", "{{.Client.Version}}"]
            if subprocess.run(version, capture_output=True, text=True, check=False).stdout.startswith("20."):
                return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    if shutil.which("docker") is None:
        pytest.skip("no docker CLI")
    config = tmp_path_factory.mktemp("docker-cli")
    try:
        plug_in_buildx(config)
    except SeatrialError as error:
        pytest.skip(f"no docker CLI that can build: {error}")
    return {"DOCKER_CONFIG": str(config)}
