"""invoke doctor on real surroundings."""

from __future__ import annotations

import os
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


def test_sound_surroundings(project: Project, client: docker.DockerClient) -> None:
    """With an engine that answers nothing fails, quickly, and each line says what is so."""
    done = project.invoke("doctor", "--json")

    assert done.code == 0, done.all
    assert done.document["status"] in ("ok", "warning")
    assert "Docker" in _found(done, "engine")["reason"]
    assert _found(done, "image store")["reason"].split(",")[0] in ("overlay2", "containerd", "vfs")
    here = Path(client.info()["DockerRootDir"]).is_dir()
    assert [one["reason"].partition(" at ")[2] for one in done.document["findings"] if one["check"] == "disk"] == (
        [client.info()["DockerRootDir"]] if here else []
    )
    assert _found(done, "port")["status"] == "ok"
    assert {one["check"] for one in done.document["findings"]} >= {"API", "builder", "registry", "config", "git"}


def test_an_engine_that_is_gone(project: Project, tmp_path: Path) -> None:
    """Without an engine the exit code is 3, and everything else is told all the same."""
    done = project.invoke("doctor", DOCKER_HOST=f"unix://{tmp_path}/none.sock")

    assert done.code == 3
    assert "no Docker Engine answers" in " ".join(done.out.split())
    assert "(by DOCKER_HOST)" in " ".join(done.out.split())
    assert "next: invoke up" in done.out
    assert "Dockerfile" in done.out
    assert "Traceback" not in done.all


def test_a_port_that_is_held(project: Project) -> None:
    """The process that holds the app's port is named."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", project.port))
        holder.listen()
        done = project.invoke("doctor", "--json")

    assert done.code == 1
    port = _found(done, "port")
    assert port["status"] == "failed"
    assert f"process {os.getpid()}" in port["reason"]
    assert f"--port {project.port + 1}" in port["hint"]


def test_an_app_that_is_served(project: Project) -> None:
    """The app's own container on its port is as it should be."""
    assert project.invoke("build", "--version", "1", "run").code == 0

    port = _found(project.invoke("doctor", "--json"), "port")

    assert port["status"] == "ok"
    assert "web is served" in port["reason"]


def test_nobody_is_logged_in(project: Project) -> None:
    """Without a login a push would be refused, which is told before."""
    login = _found(project.invoke("doctor", "--json"), "login")

    assert login["status"] == "warning"
    assert login["hint"] == "invoke login --user NAME"


def test_a_damaged_configuration(project: Project, tmp_path: Path) -> None:
    """A configuration of Docker's that cannot be read is named, and the engine is looked at all the same."""
    (tmp_path / "config.json").write_text('{"auths": ')

    done = project.invoke("doctor", "--json", DOCKER_CONFIG=str(tmp_path))

    assert done.code == 1
    assert _found(done, "config")["status"] == "failed"
    assert str(tmp_path / "config.json") in _found(done, "config")["reason"]


def test_a_careless_dockerfile(project: Project) -> None:
    """Each remark on the Dockerfile comes with its line."""
    (project.folder / "Dockerfile").write_text(
        "FROM python:latest\nADD https://example.com/rum /rum\nUSER root\nCMD python3 /app.py\n"
    )

    done = project.invoke("doctor", "--json")

    assert done.code == 0
    words = [one["reason"] for one in done.document["findings"] if one["check"] == "Dockerfile"]
    assert [word.partition(": ")[0] for word in words] == [f"Dockerfile:{line}" for line in (1, 1, 2, 3, 4)]


def test_a_dockerfile_that_cannot_be_built(project: Project) -> None:
    """A Dockerfile that no engine would build fails with its line."""
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
    """A misspelt app is wrong use."""
    assert project.invoke("doctor", "--app", "wen").code == 2
