"""Builds whose files and secrets the engine takes from a session of BuildKit."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import docker
import pytest

from seatrial.model.app import BUILDER_LABEL
from tests.cli_project import Project, command_lines
from tests.servers.engine_proxy import Empty, HangUp, engine_proxy
from tests.waiting import wait_until

pytestmark = pytest.mark.engine

OLD = 1_600_000_000


def _files(client: docker.DockerClient, image: str) -> dict[str, tuple[object, ...]]:
    """Return what the image's last layer holds; a folder's time is left out, as a session sets none."""
    saved = io.BytesIO(b"".join(client.api.get_image(image)))
    with tarfile.open(fileobj=saved) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        last = archive.extractfile(json.load(manifest)[0]["Layers"][-1])
        assert last
        with tarfile.open(fileobj=io.BytesIO(last.read())) as layer:
            return {
                one.name: (
                    *(one.type, one.mode, one.uid, one.gid, one.size, one.linkname),
                    None if one.isdir() else one.mtime,
                    hashlib.sha256(file.read()).hexdigest() if one.isreg() and (file := layer.extractfile(one)) else "",
                )
                for one in layer
            }


@pytest.fixture
def large(project: Project) -> Path:
    """The build context of a project: many files with all kinds of names, links, an empty folder."""
    project.write(settings="context: src")
    folder = project.folder / "src"
    for number in range(300):
        path = folder / f"part-{number % 7}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}")
    for name in ("a/b", "a-b", "a.b", "café", "sp ace", "deep/er/keep.log", "deep/er/drop.log", "drop.log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "large").write_bytes(os.urandom(5_000_000))
    (folder / "program").write_text("#!/bin/sh\n")
    (folder / "program").chmod(0o755)
    (folder / "link").symlink_to("deep/er/keep.log")
    (folder / "broken").symlink_to("/nowhere")
    (folder / "empty").mkdir()
    (folder / ".dockerignore").write_text("**/*.log\n!deep/**/keep.log\n")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /srv\n")
    os.utime(folder / "a.b", (OLD, OLD))
    return folder


def _build(project: Project, **environment: str) -> None:
    done = project.invoke("build", "--version", "1", "--json", **environment)
    assert done.statuses == {"build": "changed"}, done.all


def test_the_same_files_as_docker(
    project: Project, large: Path, client: docker.DockerClient, docker_cli: Mapping[str, str]
) -> None:
    """A large context arrives as from the docker CLI; a changed file arrives even if its time and size are the old."""
    _build(project)
    words = ["docker", "build", "--no-cache", "--tag", f"{project.name}/oracle:1", "--label"]
    label, environment = f"seatrial.project={project.name}", {**os.environ, "DOCKER_BUILDKIT": "1", **docker_cli}
    subprocess.run([*words, label, str(large)], check=True, capture_output=True, env=environment)
    first = _files(client, f"{project.repository}:1")
    assert first == _files(client, f"{project.name}/oracle:1")

    (large / "a.b").write_text("b.a")
    os.utime(large / "a.b", (OLD, OLD))
    (large / "a-b").unlink()
    (large / "empty" / "new").symlink_to("..")
    _build(project)

    second = _files(client, f"{project.repository}:1")
    changed = {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
    assert changed == {"srv/a.b", "srv/a-b", "srv/empty/new"}
    assert second["srv/a.b"][-1] == hashlib.sha256(b"b.a").hexdigest()


def test_a_proxy_without_sessions(project: Project, large: Path, client: docker.DockerClient) -> None:
    """Where a proxy opens no session, the files are sent as a tar; a build with secrets says what it needs."""
    with engine_proxy(*[Empty(path=r"/session\b", reaches_engine=False)] * 2) as proxy:
        _build(project, DOCKER_HOST=proxy.docker_host)
        assert proxy.count("POST", "/session") == 1
        settings = project.folder / "invoke.yaml"
        settings.write_text(f"{settings.read_text()}      build_secrets: {{token: env=TOKEN}}\n")
        done = project.invoke("build", "--version", "1", "--json", DOCKER_HOST=proxy.docker_host, TOKEN="S3ntinel")
    assert done.code == 3, done.all
    assert done.error["message"] == "the engine cannot ask for build secrets"
    assert "srv/large" in _files(client, f"{project.repository}:1")
    assert (large / "large").exists()


def test_a_connection_that_is_lost(project: Project, large: Path, client: docker.DockerClient) -> None:
    """If the engine loses the session, the files are sent as a tar; a build that fails by itself is not repeated."""
    with engine_proxy(HangUp(path=r"/session\b", sent=1_000_000)) as proxy:
        _build(project, DOCKER_HOST=proxy.docker_host)
        assert proxy.count("POST", "/build") == 2
        (large / "Dockerfile").write_text("FROM scratch\nCOPY missing /srv\n")
        done = project.invoke("build", "--version", "1", "--json", DOCKER_HOST=proxy.docker_host)
    assert done.statuses == {"build": "failed"}
    assert proxy.count("POST", "/build") == 3
    assert "srv/large" in _files(client, f"{project.repository}:1")


def test_a_secret(project: Project, client: docker.DockerClient) -> None:
    """A build secret reaches its RUN and nothing else, also without a docker CLI; Ctrl-C ends its build."""
    run = "RUN --mount=type=secret,id=token grep -c S3nt /run/secrets/token > /seen"
    project.write(run=run, settings="build_secrets: {token: src=token}")
    (project.folder / "token").write_text("S3ntinel")
    (project.folder / ".dockerignore").write_text("token\n")

    done = project.invoke("build", "--version", "1", PATH="/nowhere")

    assert done.code == 0, done.all
    image = client.images.get(f"{project.repository}:1")
    assert image.labels[BUILDER_LABEL] == "BuildKit"
    assert "S3ntinel" not in done.all + json.dumps(image.attrs) + json.dumps(image.history())
    seen = client.containers.run(image.id, ["cat", "/seen"], remove=True, labels={"seatrial.test": project.name})
    assert seen == b"1\n"
    assert project.invoke("build", "--version", "1", "--json").statuses == {"build": "ok"}

    project.write(run=f"{run} && sleep 6790 # {project.name}", settings="build_secrets: {token: src=token}")
    process = project.start("build", "--version", "2")
    wait_until(lambda: _runs(f"sleep 6790 # {project.name}"), 60)
    done = project.interrupt(process, signal.SIGINT)
    assert done.code == 130, done.all
    assert done.seconds < 5
    wait_until(lambda: not _runs(f"sleep 6790 # {project.name}"), 10)


def _runs(text: str) -> bool:
    """Return whether a process of this machine has this text in its command line."""
    return any(text in line for line in command_lines())
