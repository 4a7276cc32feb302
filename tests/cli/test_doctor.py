"""`invoke doctor` with a real engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.cli_project import Done, Project

pytestmark = [pytest.mark.engine, pytest.mark.container]


def _found(done: Done, check: str) -> dict[str, Any]:
    finding: dict[str, Any] = next(one for one in done.document["findings"] if one["check"] == check)
    return finding


def test_healthy_setup(project: Project, client: docker.DockerClient) -> None:
    """With a healthy engine nothing fails, and each finding holds what was found."""
    done = project.invoke("doctor", "--json")

    assert done.code == 0, done.all
    assert done.document["status"] in ("ok", "warning")
    assert client.version()["Version"] in _found(done, "engine")["reason"]
    assert re.search(r"\b(overlay2|containerd|vfs)\b", _found(done, "image store")["reason"])
    root = client.info()["DockerRootDir"]
    disks = [one["reason"] for one in done.document["findings"] if one["check"] == "disk"]
    assert [root in reason for reason in disks] == [True] * Path(root).is_dir()
    assert _found(done, "port")["status"] == "ok"
    assert {one["check"] for one in done.document["findings"]} >= {"API", "builder", "registry", "config", "git"}
