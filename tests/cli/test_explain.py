"""The scripts of --script, run on a real engine and a real registry, and compared with what the tasks make."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import NotFound

from seatrial.errors import SeatrialError
from tests.cli_project import Project
from tests.servers.registries import TestRegistry
from tests.servers.second_engine import plug_in_buildx

pytestmark = pytest.mark.engine
Run = subprocess.CompletedProcess[str]
_OWN_LABELS = {"seatrial.run", "seatrial.pid", "seatrial.started", "seatrial.host", "seatrial.options"}


@pytest.fixture(scope="module")
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


def _script(project: Project, *words: str) -> str:
    done = project.invoke(*words, "--script")
    assert done.code == 0, done.all
    return done.out


def _run(text: str, docker_cli: Mapping[str, str], **environment: str) -> Run:
    variables = {**os.environ, **docker_cli, **environment}
    return subprocess.run(["sh"], input=text, env=variables, cwd="/", capture_output=True, text=True, check=False)


def _release(user: str, registry: TestRegistry, *words: str) -> tuple[str, ...]:
    return ("release", "--user", user, "--version", "1", "--registry", registry.host, *words)


def _digests(registry: TestRegistry, repository: str) -> dict[str, str | None]:
    return {tag: registry.digest(repository, tag) for tag in registry.tags(repository)}


def test_a_release(
    project: Project, open_registry: TestRegistry, client: docker.DockerClient, docker_cli: Mapping[str, str]
) -> None:
    """The script makes the image that the task makes, but for one label, and publishes it; other content it refuses."""
    project.write(run="ARG TOKEN\nRUN echo $TOKEN >/token")
    argument = ("--build-arg", "TOKEN=S3ntinel", "--untested")
    task = project.invoke(*_release("demo", open_registry, *argument), "--json")
    assert task.code == 0, task.all
    text = _script(project, *_release("other", open_registry, *argument[:2]))
    assert "S3ntinel" not in text

    done = _run(text, docker_cli, TOKEN="S3ntinel")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hello 1\n") == 1
    repository = project.published.replace("demo/", "other/")
    ours, theirs = (
        client.api.inspect_image(name)
        for name in (task.document["image"]["id"], f"{open_registry.host}/{repository}:1")
    )
    assert ours["RootFS"] == theirs["RootFS"]
    labels = [one["Config"].pop("Labels") for one in (ours, theirs)]
    assert labels[0].items() - labels[1].items() == {("seatrial.inputs", labels[0]["seatrial.inputs"])}
    assert not labels[1].items() - labels[0].items()
    assert ours["Config"] == theirs["Config"]
    published = _digests(open_registry, repository)
    assert published.keys() == _digests(open_registry, project.published).keys() == {"1", "latest"}
    assert published["1"] == published["latest"]
    assert f"{open_registry.host}/{repository}@{published['1']}" in theirs["RepoDigests"]

    push = ("push", "--user", "demo", "--version", "1", "--registry", open_registry.host, "--untested")
    before = _digests(open_registry, project.published)
    refused = _run(_script(project, *push), docker_cli)  # there the task has published its own image
    assert (refused.returncode, "published with other content" in refused.stderr) == (1, True)
    assert _digests(open_registry, project.published) == before


def _container(client: docker.DockerClient, project: Project) -> dict[str, Any]:
    """Return a container as it was wanted, without what differs from run to run."""
    found = client.api.inspect_container(f"{project.name}-web")
    found["Config"].pop("Hostname")
    labels = found["Config"]["Labels"]
    found["Config"]["Labels"] = {name: labels[name] for name in labels.keys() - _OWN_LABELS}
    found["HostConfig"] = {
        name: value for name, value in found["HostConfig"].items() if value
    }  # None and [] are the same
    for one in found["HostConfig"]["Mounts"]:
        one.pop("VolumeOptions")  # labels
    return {name: found[name] for name in ("Config", "HostConfig", "Image", "Name")}


def test_run_stop_and_rollback(
    project: Project, open_registry: TestRegistry, client: docker.DockerClient, docker_cli: Mapping[str, str]
) -> None:
    """The script of run makes the container that the task makes, that of stop ends it; that of rollback moves tags."""
    settings = ("environment: {GREETING: Olá}", "tmpfs: [/data]", "volumes: {d: /d}")
    project.write(more="USER 10001:10001", settings="\n      ".join(settings))
    where = ("--user", "demo", "--registry", open_registry.host)
    for version in ("1", "2"):
        assert project.invoke("release", *where, "--version", version, "--untested").code == 0
    run = ("run", "--version", "2", "--memory", "300m")
    assert project.invoke(*run).code == 0
    wanted = _container(client, project)

    done = _run(_script(project, *run), docker_cli, GREETING="Olá")

    assert done.returncode == 0, done.stderr
    assert "hello 2" in done.stdout
    assert _container(client, project) == wanted
    assert _run(_script(project, "stop"), docker_cli).returncode == 0
    with pytest.raises(NotFound):
        _container(client, project)

    before = _digests(open_registry, project.published)
    done = _run(_script(project, "rollback", *where, "--to", "1"), docker_cli)
    assert done.returncode == 0, done.stderr
    assert _digests(open_registry, project.published) == {**before, "latest": before["1"]}
    client.volumes.get(f"{project.name}-web-d").remove()
