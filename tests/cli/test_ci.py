"""What CI systems take over, and the pipelines in docs/ci, with a real engine and a real registry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from tests.cli_project import Done, Project
from tests.git import git
from tests.output.ci.runner import Command, commands, read_outputs
from tests.servers.registries import TestRegistry

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
EXPRESSION = re.compile(r"\$\{\{ *([a-zA-Z_.]+) *\}\}")
EVIL = r"""print("::set-output name=digest::evil\n  ::add-mask::x\n##[add-mask]x", flush=True)"""


class Job:
    """A job on GitHub Actions: its files, and its environment."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.output, self.summary = project.folder.parent / "output", project.folder.parent / "summary.md"
        self.environment = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(project.folder),
        }

    def invoke(self, *words: str) -> tuple[Done, list[Command]]:
        """Run a task, and return it with the commands that a runner finds in what it printed."""
        done = self._project.invoke(*words, **self.environment)
        return done, [*commands(done.out), *commands(done.err)]


@pytest.mark.engine
def test_a_job_on_github(project: Project, open_registry: TestRegistry) -> None:
    """Outputs, summary and errors reach the job; groups come in pairs; what the app writes is no command."""
    job = Job(project)
    project.write(at_start=EVIL, at_request=EVIL)
    release = ("release", "--user", "demo", "--registry", open_registry.host, "--version")

    done, found = job.invoke(*release, "1", "--json")
    digest = open_registry.digest(project.published, "1")
    names = [f"{open_registry.host}/{project.published}:{tag}" for tag in ("1", "latest")]
    outputs = {"version": "1", "image": f"{project.repository}:1", "digest": digest, "references": "\n".join(names)}
    assert (done.code, done.document["exit_code"]) == (0, 0)
    assert read_outputs(job.output.read_text()) == outputs
    assert str(digest) in job.summary.read_text()
    assert [one.name for one in found] == ["group", "endgroup"] * 3
    assert [one.text for one in found[::2]] == ["build", "smoke", "push"]

    project.write(at_start=EVIL, at_request=EVIL, page="bye")
    done, found = job.invoke(*release, "2")
    assert (done.code, {one.name for one in found}) == (1, {"group", "endgroup", "error"})
    assert "##\\[add-mask]x" in done.all  # the app's log is part of the evidence
    assert "digest" not in read_outputs(job.output.read_text().partition("\nversion<<")[2])

    project.write(run="RUNN pip install")
    done, found = job.invoke("build", "--version", "3")
    (error,) = [one for one in found if one.name == "error"]
    assert (error.properties["file"], error.properties["line"]) == ("Dockerfile", "4")

    (project.folder / "invoke.yaml").write_text("seatrial:\n  prot: 1\n")
    done, found = job.invoke("build")
    assert done.code == 2
    assert found[0].properties["file"] == "invoke.yaml"
    assert found[0].properties["line"] == "2"


@pytest.mark.parametrize(
    ("schema", "file"), [("github-workflows", "github.yml"), ("gitlab-ci", "gitlab-ci.yml")], ids=["GitHub", "GitLab"]
)
def test_pipelines_are_valid(schema: str, file: str) -> None:
    """The pipelines are as their published schemas say."""
    words = [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", str(ROOT / "docs/ci" / file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _github_commands(pipeline: dict[str, Any], known: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the commands of all jobs, with the variables that each of them has."""
    for job in pipeline["jobs"].values():
        for step in job["steps"]:
            given = {**pipeline["env"], **job.get("env", {}), **step.get("env", {})}
            variables = {name: EXPRESSION.sub(lambda one: known[one[1]], value) for name, value in given.items()}
            if "run" in step:
                yield step["run"], variables


def _gitlab_commands(pipeline: dict[str, Any], known: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    user = pipeline["variables"]["INVOKE_SEATRIAL_USER"].removeprefix("$")
    variables = {"INVOKE_SEATRIAL_USER": known[user], "DOCKERHUB_TOKEN": known["DOCKERHUB_TOKEN"]}
    for stage in pipeline["stages"]:
        for line in (*pipeline["default"]["before_script"], *pipeline[stage]["script"]):
            yield line, variables


@pytest.fixture
def tagged(project: Project) -> Project:
    """The project in a git repository, with the tag v1.0.0."""
    project.write()
    (project.folder / ".dockerignore").write_text(".git\n__pycache__\n.dockerignore\n")
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "Say hello"], ["tag", "v1.0.0"]):
        git(project.folder, *words)
    return project


def _gitlab(registry: TestRegistry) -> tuple[dict[str, str], list[tuple[str, dict[str, str]]]]:
    """Return the environment of a job on GitLab, and the pipeline's commands."""
    known = {"DOCKERHUB_USER": str(registry.user), "DOCKERHUB_TOKEN": str(registry.password)}
    environment = {"GITLAB_CI": "true", "CI": "true", "CI_COMMIT_TAG": "v1.0.0"}
    return environment, list(_gitlab_commands(yaml.safe_load((ROOT / "docs/ci/gitlab-ci.yml").read_text()), known))


@pytest.mark.engine
@pytest.mark.parametrize("system", ["GitHub", "GitLab"])
def test_the_commands_of_the_pipelines(tagged: Project, guarded_registry: TestRegistry, system: str) -> None:
    """Every command of a pipeline runs, one after the other, and in the end the version is published."""
    if system == "GitHub":
        known = {
            "vars.DOCKERHUB_USER": str(guarded_registry.user),
            "secrets.DOCKERHUB_TOKEN": str(guarded_registry.password),
            "needs.release.outputs.version": "1.0.0",
            "needs.release.outputs.digest": "sha256:d",
        }
        environment = {**Job(tagged).environment, "GITHUB_REF_NAME": "v1.0.0"}
        written = list(_github_commands(yaml.safe_load((ROOT / "docs/ci/github.yml").read_text()), known))
    else:
        environment, written = _gitlab(guarded_registry)
    environment |= {"PATH": f"{BIN}:{os.environ['PATH']}"}

    def run(line: str, variables: dict[str, str]) -> None:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=tagged.folder,
            env={**os.environ, **environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)

    handed_over = _run_all(tagged, guarded_registry, written, run)

    published = guarded_registry.digest(f"{guarded_registry.user}/page-{tagged.name}", "1.0.0")
    assert published
    if system == "GitHub":
        assert read_outputs((tagged.folder.parent / "output").read_text())["digest"] == published
    else:
        assert {"SEATRIAL_VERSION=1.0.0", f"SEATRIAL_DIGEST={published}"} <= set(handed_over)


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_pipelines_image(
    tagged: Project, guarded_registry: TestRegistry, client: docker.DockerClient, python_image: str, tmp_path: Path
) -> None:
    """In the pipeline's image, too, with git and a browser, every command of GitLab's pipeline runs."""
    itself = f"{{context: {ROOT}, repository: {tagged.name}/pipeline, base_images: [{python_image}]}}"
    (tmp_path / "invoke.yaml").write_text(f"seatrial: {{project: {tagged.name}, apps: {{pipeline: {itself}}}}}")
    more = ("--build-arg", "PACKAGES=git", "--build-arg", "BROWSER=yes")
    built = replace(tagged, folder=tmp_path).invoke("build", "--version", "1", *more, program="seatrial")
    assert built.code == 0, built.all
    environment, written = _gitlab(guarded_registry)
    volumes = {SOCKET: "/var/run/docker.sock", tagged.folder: "/work", os.environ["DOCKER_CONFIG"]: "/root/.docker"}

    def run(line: str, variables: dict[str, str]) -> None:
        client.containers.run(
            f"{tagged.name}/pipeline:1",
            ["-euo", "pipefail", "-c", line],
            entrypoint="bash",
            environment={**environment, **variables},
            volumes=[f"{outside}:{inside}" for outside, inside in volumes.items()],
            network_mode="host",
            labels={"seatrial.project": tagged.name},
            remove=True,
        )

    _run_all(tagged, guarded_registry, [*written, ("invoke smoke --browser --version 1.0.0", {})], run)

    assert guarded_registry.digest(f"{guarded_registry.user}/page-{tagged.name}", "1.0.0")
    assert list(tagged.folder.glob(".seatrial/screenshots/*.png"))


def _run_all(
    project: Project,
    registry: TestRegistry,
    written: list[tuple[str, dict[str, str]]],
    run: Callable[[str, dict[str, str]], None],
) -> list[str]:
    """Run a pipeline's commands but the installation; return the lines that GitLab gives to later jobs."""
    dotenv = project.folder / "release.env"
    handed_over: list[str] = []
    for line, variables in written:
        if not line.startswith("pip install"):
            handed_over = dotenv.read_text().splitlines() if dotenv.exists() else []
            registered = {"INVOKE_SEATRIAL_REGISTRY": registry.host}
            run(line, {**registered, **variables, **dict(one.split("=", 1) for one in handed_over)})
    return handed_over
