"""docker buildx builds what the API cannot."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from seatrial.errors import SeatrialError
from tests.cli_project import Project, command_lines
from tests.conftest import wait_until
from tests.servers.second_engine import plug_in_buildx


@pytest.fixture
def with_buildx(project: Project, tmp_path: Path) -> Project:
    """A project whose docker CLI has the buildx plugin."""
    config = tmp_path / "docker-config"
    try:
        plug_in_buildx(config)
    except SeatrialError as error:
        pytest.skip(f"no docker buildx: {error}")
    return replace(project, environment={"DOCKER_CONFIG": str(config)})


@pytest.mark.engine
def test_without_buildx(project: Project, client: docker.DockerClient) -> None:
    """Without buildx, a build for several platforms is refused before it starts, also in check mode."""
    for flags in ([], ["--check"]):
        done = project.invoke("build", "--version", "1", "--platform", "linux/amd64,linux/arm64", *flags, "--json")
        assert done.code == 3, done.all
        error = done.document["steps"][0]["error"]
        assert error["message"] == "this build needs docker buildx (several platforms)"
        assert "apt-get install docker-buildx" in error["hint"]
    assert not client.images.list(project.repository)


@pytest.mark.engine
def test_a_cache(with_buildx: Project) -> None:
    """A cache that is stored in an image is read by the build that names it; where it is changes no inputs."""
    project = with_buildx
    assert project.invoke("build", "--version", "1", "--cache-to", "type=inline").code == 0
    cache = f"{project.repository}:1"
    assert project.invoke("build", "--version", "1", "--cache-from", cache, "--json").statuses == {"build": "ok"}

    done = project.invoke("build", "--version", "2", "--cache-from", cache)

    assert done.code == 0, done.all
    assert f"importing cache manifest from {cache}" in done.out


@pytest.mark.engine
def test_ctrl_c(with_buildx: Project) -> None:
    """Ctrl-C stops buildx and the RUN in the engine, which got its build arguments; no command line shows them."""
    project, value = with_buildx, f"of {with_buildx.name}"
    settings = project.folder / "invoke.yaml"
    settings.write_text(f"{settings.read_text()}      build_args: {{WORDS: {value}, DOCKER_WORDS: {value}!}}\n")
    dockerfile = project.folder / "Dockerfile"
    run = f'RUN test "${{#WORDS}} ${{#DOCKER_WORDS}}" = "{len(value)} {len(value) + 1}" && sleep 6789 # {project.name}'
    dockerfile.write_text(f"{dockerfile.read_text()}ARG WORDS\nARG DOCKER_WORDS\n{run}\n")
    process = project.start("build", "--version", "1", "--cache-to", "type=inline")
    wait_until(lambda: _runs(f"sleep 6789 # {project.name}"), 60)
    assert not _runs(f"WORDS={value} ")

    done = project.interrupt(process, signal.SIGINT)

    assert done.code == 130, done.all
    wait_until(lambda: not _runs(f"sleep 6789 # {project.name}"), 10)
    assert not _runs(f"--tag={project.repository}:1")


@pytest.mark.engine
def test_several_platforms(with_buildx: Project, client: docker.DockerClient, containerd_store: bool) -> None:
    """An image of two platforms needs the containerd image store; the error names it."""
    project = with_buildx
    (project.folder / "Dockerfile").write_text("FROM scratch\nCOPY app.py /\n")

    done = project.invoke("build", "--version", "1", "--platform", "linux/amd64", "--platform", "linux/arm64", "--json")

    if containerd_store:
        assert done.code == 0, done.all
        raw = client.api.inspect_image(f"{project.repository}:1")
        assert "list" in raw["Descriptor"]["mediaType"] or "index" in raw["Descriptor"]["mediaType"]
        again = project.invoke("build", "--version", "1", "--platform", "linux/amd64,linux/arm64", "--json")
        assert again.statuses == {"build": "ok"}
    else:
        assert done.code == 1
        assert done.document["steps"][0]["error"]["cause"] == "unfit-builder"


def _runs(text: str) -> bool:
    """Return whether a process of this machine has this text in its command line."""
    return any(text in line for line in command_lines())
