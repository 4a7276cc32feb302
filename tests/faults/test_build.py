"""Builds that fail: the Dockerfile, the context, the base image, the network, the timeout."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import docker
import pytest

from tests.cli_project import Project, command_lines, failed
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


def test_a_run_that_fails(project: Project) -> None:
    """A failing RUN is named with its exit code and the last lines of its output, without a build argument's value.

    The build's log has all of its output, without the value, too.
    """
    project.write(run=f"ARG TOKEN\nRUN echo begin $TOKEN && echo lost $TOKEN >&2 && exit 9 # {project.name}")

    done = project.invoke("build", "--version", "1", "--build-arg", "TOKEN=S3ntinel", "--json")

    failed(done, "RUN echo begin ***", cause="build-failed")
    assert re.search(r"\b9\b", done.error["reason"])
    assert any(line.endswith("lost ***") for line in done.error["details"])
    log = Path(done.document["build_log"]).read_text()
    lines = re.findall(r"(?:begin|lost) \S+$", log, re.MULTILINE)[-2:]
    assert sorted(lines) == ["begin ***", "lost ***"]  # the builder sends the two streams in any order
    assert "S3ntinel" not in done.all + log
    assert any("TOKEN is public" in note for note in done.document["steps"][0]["notes"])


def test_a_requirement_whose_hash_is_wrong(project: Project) -> None:
    """A package with another hash than the locked one fails the build."""
    # With the project's name: BuildKit shares equal steps of builds at the same time, and only one gets their log.
    (project.folder / "requirements.txt").write_text(f"six==1.16.0 --hash=sha256:{'0' * 64} # {project.name}\n")
    project.write(
        run="COPY requirements.txt /\n"
        "RUN python3 -m pip install --disable-pip-version-check --target /x -r /requirements.txt"
    )

    failed(project.invoke("build", "--version", "1", "--json"), "DO NOT MATCH THE HASHES", cause="wrong-hash")


def test_a_missing_base_image(project: Project) -> None:
    """A base image that cannot be pulled is named, with exit code 3."""
    (project.folder / "Dockerfile").write_text("FROM localhost:1/no/such:base\n")

    failed(project.invoke("build", "--version", "1", "--json"), "localhost:1/no/such:base", code=3)


def test_a_run_that_never_ends(project: Project) -> None:
    """A build that exceeds build_timeout is cancelled in the engine; the error names the setting and the seconds."""
    project.write(run=f"RUN echo {project.name} && sleep 4567", settings="build_timeout: 2")

    done = project.invoke("build", "--version", "1", "--json")

    failed(done, "2 s", "build_timeout", cause="build-timeout")
    assert done.seconds < 15
    wait_until(lambda: "sleep 4567" not in command_lines(), 10)


def test_unreadable_files(project: Project) -> None:
    """A file or folder without read permission is named, with chmod and .dockerignore as ways out."""
    without = "-dac_override,-dac_read_search"
    unprivileged = (f"--bounding-set={without}", f"--inh-caps={without}", str(Path(sys.executable).parent / "invoke"))
    for path in (project.folder / "file", project.folder / "folder"):
        path.mkdir() if path.name == "folder" else path.touch()
        path.chmod(0)

        done = project.invoke(*unprivileged, "build", "--version", "1", program=shutil.which("setpriv") or "setpriv")

        failed(done, str(path), "chmod", ".dockerignore", code=2)
        path.rmdir() if path.name == "folder" else path.unlink()


def test_a_missing_credential_helper(project: Project, tmp_path: Path) -> None:
    """A build with local base images needs no credentials: a missing credential helper does not matter."""
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "desktop"}))

    done = project.invoke("build", "--version", "1", DOCKER_CONFIG=str(tmp_path))

    assert done.code == 0, done.all


def test_flags_reach_the_build(project: Project, client: docker.DockerClient) -> None:
    """Build arguments and a target override the settings."""
    project.write(settings="build_args: {A: red, B: green}")
    (project.folder / "Dockerfile").write_text(
        f"FROM {project.base} AS one\nARG A\nARG B\nLABEL a=$A b=$B\nFROM one AS two\nLABEL last=yes\n"
    )

    done = project.invoke("build", "--version", "1", "--build-arg", "A=x=y", "--build-arg=C=", "--target", "one")

    assert done.code == 0, done.all
    labels = client.images.get(f"{project.repository}:1").labels
    assert (labels["a"], labels["b"], labels.get("last")) == ("x=y", "green", None)
