"""The pipeline as an image that uses the engine's socket."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from tests.cli_project import Project

pytestmark = pytest.mark.engine
SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
USUAL = "/var/run/docker.sock"


@pytest.mark.skipif(
    not Path(SOCKET).exists() and not os.environ.get("CI"), reason="the engine listens on no socket here"
)
def test_release_in_check_mode(
    project: Project,
    client: docker.DockerClient,
    repository: Path,
    python_image: str,
    project_name: str,
    tmp_path: Path,
) -> None:
    """In the pipeline's image, a release of a mounted project in check mode reports every step."""
    label = {"seatrial.project": project_name}
    image = f"{project_name}/pipeline:1"
    itself = f"{{context: {repository}, repository: {project_name}/pipeline, base_images: [{python_image}]}}"
    settings = f"seatrial: {{project: {project_name}, apps: {{pipeline: {itself}}}}}"
    (tmp_path / "invoke.yaml").write_text(settings)
    built = replace(project, folder=tmp_path).invoke("build", "--version", "1", program="seatrial")
    assert built.code == 0, built.all
    volumes = {SOCKET: {"bind": USUAL}, str(project.folder): {"bind": "/work"}}
    words = ["release", "--user", "demo", "--version", "1", "--registry", "localhost:1", "--check", "--json"]

    container = client.containers.create(image, words, volumes=volumes, labels=label, network_mode="host")
    container.start()
    status = container.wait(timeout=60)["StatusCode"]
    out = container.logs(stdout=True, stderr=False)
    err = container.logs(stdout=False, stderr=True).decode()
    container.remove(v=True)

    document = json.loads(out)
    found = {step["step"]: step["status"] for step in document["steps"]}
    planned = dict.fromkeys(("build", "smoke", "tag"), "changed")
    assert found == {"preflight": "unknown", **planned, "push": "unknown"}, err
    assert status == 3, "the registry is not there, and check mode says so"
    assert document["engine"]["version"] == client.version()["Version"]
