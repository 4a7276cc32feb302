"""The app's image is small, and the same for every build of one commit."""

from __future__ import annotations

import shutil
from pathlib import Path

import docker
import pytest

from tests.cli_project import Project
from tests.git import git

pytestmark = pytest.mark.engine

_MOST_BYTES = 7_000_000
_FIRST_API_WITH_EPOCH = (1, 44)
_SETTINGS = """\
seatrial:
  project: {name}
  apps: {{web: {{context: app, repository: {name}/app, base_images: ["{base}"]}}}}
"""


def test_the_same_commit_gives_the_same_image(
    client: docker.DockerClient,
    containerd_store: bool,
    project_name: str,
    python_image: str,
    repository: Path,
    tmp_path: Path,
) -> None:
    """Two builds without cache, the second in another clone, have the same libraries; on newer engines the same id."""
    first = tmp_path / "first"
    # It keeps the files' times; those of the clone are younger.
    shutil.copytree(repository / "app", first / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (first / "invoke.yaml").write_text(_SETTINGS.format(name=project_name, base=python_image))
    git(first, "init", "-q")
    git(first, "add", "-A")
    git(first, "commit", "-qm", "one")
    git(tmp_path, "clone", "-q", str(first), "second")
    git(tmp_path / "second", "remote", "remove", "origin")  # the image's source label would name it
    found = []
    for folder in (first, tmp_path / "second"):
        project = Project(folder=folder, name=project_name, base=python_image, port=0)
        done = project.invoke("build", "--version", "1", "--no-cache", program="seatrial")
        assert done.code == 0, done.all
        found.append(client.api.inspect_image(f"{project_name}/app:1"))

    one, two = found
    base = client.api.inspect_image(python_image)
    layers = [image["RootFS"]["Layers"][len(base["RootFS"]["Layers"]) :] for image in found]
    assert layers[0][0] == layers[1][0]  # the libraries; an older engine dates the folder of the app itself
    assert one["Config"]["Labels"] == two["Config"]["Labels"]
    if not containerd_store:  # which counts compressed layers, and some twice
        assert one["Size"] - base["Size"] <= _MOST_BYTES
    if tuple(int(part) for part in client.version()["ApiVersion"].split(".")) >= _FIRST_API_WITH_EPOCH:
        assert one["Id"] == two["Id"]
