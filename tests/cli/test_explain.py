"""The scripts of --script, run on a real engine and a real registry, and compared with what the tasks make."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import NotFound

from tests.cli_project import Project
from tests.servers.registries import TestRegistry

pytestmark = pytest.mark.engine
Run = subprocess.CompletedProcess[str]
_OWN_LABELS = {
    "seatrial.inputs",
    "seatrial.run",
    "seatrial.pid",
    "seatrial.started",
    "seatrial.host",
    "seatrial.options",
}


def _script(project: Project, *words: str, **environment: str) -> str:
    done = project.invoke(*words, "--script", **environment)
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
    """Return a container as it was wanted, without what differs from run to run; of its image the layers."""
    found = client.api.inspect_container(f"{project.name}-web")
    found["Config"].pop("Hostname")
    found["Config"].pop("Image")
    found["Config"]["Env"].sort()  # the docker CLI may give them in any order
    labels = found["Config"]["Labels"]
    found["Config"]["Labels"] = {name: labels[name] for name in labels.keys() - _OWN_LABELS}
    found["HostConfig"] = {
        name: value for name, value in found["HostConfig"].items() if value
    }  # None and [] are the same
    for one in found["HostConfig"]["Mounts"]:
        one.pop("VolumeOptions")  # labels
    layers = client.api.inspect_image(found["Image"])["RootFS"]
    return {**found["Config"], **found["HostConfig"], "Image": layers, "Name": found["Name"]}


def test_demo_stop_and_rollback(
    project: Project, open_registry: TestRegistry, client: docker.DockerClient, docker_cli: Mapping[str, str]
) -> None:
    """The script of demo publishes what the task does and makes its container; that of rollback moves tags."""
    settings = ("environment: {GREETING: Olá}", "tmpfs: [/data]", "volumes: {d: /d}")
    project.write(more="USER 10001:10001", settings="\n      ".join(settings))
    where = ("--user", "demo", "--registry", open_registry.host)
    port = {"INVOKE_SEATRIAL_LOCAL_REGISTRY_PORT": open_registry.host.rpartition(":")[2]}
    assert project.invoke("release", *where, "--version", "1", "--untested").code == 0
    demo = ("demo", "--version", "2")
    task = project.invoke(*demo, **port)
    assert task.code == 0, task.all
    wanted, by_task = _container(client, project), _digests(open_registry, project.published)

    done = _run(_script(project, *demo, "--overwrite", **port), docker_cli, GREETING="Olá")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hello 2\n") == 2  # in the smoke test, and where it serves
    assert _container(client, project) == wanted
    by_script = _digests(open_registry, project.published)
    assert by_script["2"] == by_script["latest"] != by_task["2"]  # the image has one label less
    assert by_script["1"] == by_task["1"]

    assert _run(_script(project, "stop"), docker_cli).returncode == 0
    with pytest.raises(NotFound):
        _container(client, project)
    done = _run(_script(project, "rollback", *where, "--to", "1"), docker_cli)
    assert done.returncode == 0, done.stderr
    assert _digests(open_registry, project.published) == {**by_script, "latest": by_script["1"]}
    client.volumes.get(f"{project.name}-web-d").remove()


def test_a_smoke_test(project: Project, docker_cli: Mapping[str, str]) -> None:
    """Where the task fails, the script fails; it leaves no container."""
    project.write(page='{\\"app\\":', at_request='os.environ["VERSION"] = "[1]}"')
    settings = project.folder / "invoke.yaml"
    settings.write_text(settings.read_text().replace('text: "hello {version}"', "json: {app: [2]}"))
    assert project.invoke("build", "--version", "1").code == 0

    done = _run(_script(project, "smoke"), docker_cli)
    assert done.returncode == project.invoke("smoke").code == 1
    assert '{"app": [2]}' in done.stderr.splitlines()[-1]


def test_a_login(project: Project, guarded_registry: TestRegistry, tmp_path: Path) -> None:
    """The script stores what the task stores, and takes no wrong password."""
    words = ("login", "--user", str(guarded_registry.user), "--registry", guarded_registry.host, "--password-stdin")
    password = str(guarded_registry.password)
    assert project.invoke(*words, stdin=password).code == 0
    path = tmp_path / "login.sh"
    path.write_text(_script(project, *words))
    files = [Path(folder) / "config.json" for folder in (os.environ["DOCKER_CONFIG"], tmp_path)]

    def run(typed: str) -> int:
        environment = {**os.environ, "DOCKER_CONFIG": str(tmp_path)}
        return subprocess.run(["sh", str(path)], input=typed, env=environment, text=True, check=False).returncode

    assert run("wrong") == 1
    assert run(password) == 0
    by_task, by_script = (json.loads(one.read_text())["auths"] for one in files)
    assert by_script == by_task
