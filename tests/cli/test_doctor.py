"""`invoke doctor` with a real engine."""

from __future__ import annotations

import os
import re
import socket
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


def test_without_an_engine(project: Project, tmp_path: Path) -> None:
    """Without an engine the exit code is 3, and everything else is checked all the same."""
    done = project.invoke("doctor", "--json", DOCKER_HOST=f"unix://{tmp_path}/none.sock")

    assert done.code == 3
    engine = _found(done, "engine")
    assert engine["status"] == "failed"
    assert "invoke up" in engine["hint"]
    assert f"{tmp_path}/none.sock" in engine["reason"]
    assert "DOCKER_HOST" in engine["reason"]
    assert _found(done, "Dockerfile")
    assert "Traceback" not in done.all


def test_a_port_in_use(project: Project) -> None:
    """The finding about a port in use names the process that uses it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", project.port))
        listener.listen()
        done = project.invoke("doctor", "--json")

    assert done.code == 1
    port = _found(done, "port")
    assert port["status"] == "failed"
    assert str(os.getpid()) in port["reason"]
    assert f"--port {project.port + 1}" in port["hint"]


def test_an_app_that_is_served(project: Project) -> None:
    """A port that the app's own container uses is fine."""
    assert project.invoke("build", "--version", "1", "run").code == 0

    port = _found(project.invoke("doctor", "--json"), "port")

    assert port["status"] == "ok"
    assert "web" in port["reason"]


def test_nobody_is_logged_in(project: Project) -> None:
    """A missing login is a warning that names the command to log in."""
    login = _found(project.invoke("doctor", "--json"), "login")

    assert login["status"] == "warning"
    assert login["hint"] == "invoke login --user NAME"


def test_a_damaged_configuration(project: Project, tmp_path: Path) -> None:
    """A Docker configuration that cannot be read fails with its path."""
    (tmp_path / "config.json").write_text('{"auths": ')

    done = project.invoke("doctor", "--json", DOCKER_CONFIG=str(tmp_path))

    assert done.code == 1
    assert _found(done, "config")["status"] == "failed"
    assert str(tmp_path / "config.json") in _found(done, "config")["reason"]


def test_a_careless_dockerfile(project: Project) -> None:
    """Each warning about the Dockerfile names its line."""
    (project.folder / "Dockerfile").write_text(
        "FROM python:latest\nADD https://example.com/data /data\nUSER root\nCMD python3 /app.py\n"
    )

    done = project.invoke("doctor", "--json")

    assert done.code == 0
    reasons = [one["reason"] for one in done.document["findings"] if one["check"] == "Dockerfile"]
    assert {f"Dockerfile:{line}" for line in (1, 2, 3)} <= {reason.partition(": ")[0] for reason in reasons}


def test_a_dockerfile_that_cannot_be_built(project: Project) -> None:
    """A Dockerfile that cannot be built fails with its line."""
    (project.folder / "Dockerfile").write_text("FROM $NOBODY\n")

    done = project.invoke("doctor", "--json")

    assert done.code == 1
    assert _found(done, "Dockerfile")["reason"].startswith("Dockerfile:1: ")


def test_eighty_columns(project: Project) -> None:
    """Lines are wrapped for a terminal of 80 columns; only a path may be wider."""
    done = project.invoke("doctor")

    assert not [line for line in done.out.splitlines() if len(line) > 80 and "/" not in line]
    assert "ok=" in done.out.splitlines()[-1]


def test_an_app_that_is_not_there(project: Project) -> None:
    """An unknown app is a usage error."""
    assert project.invoke("doctor", "--app", "wen").code == 2
