"""Builds that go wrong: the Dockerfile, the context, the base image, the network, the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import docker
import pytest

from tests.cli_project import Project, command_lines, failed

pytestmark = pytest.mark.engine


def test_a_dockerfile_that_is_wrong(project: Project) -> None:
    """A wrong word in the Dockerfile is told with its line."""
    (project.folder / "Dockerfile").write_text(f"FROM {project.base}\nFORM x\n")

    failed(project.invoke("build", "--version", "1"), "line 2", "FORM")


def test_a_run_that_fails(project: Project) -> None:
    """A failing RUN is told with its step and the last lines it printed."""
    project.write(run=f"RUN echo all hands && echo lost >&2 && exit 9 # {project.name}")

    failed(project.invoke("build", "--version", "1"), "RUN echo all hands", "| lost", "exit code: 9")


def test_a_requirement_whose_hash_is_wrong(project: Project) -> None:
    """A package that is not the one that was locked is a security failure."""
    # Its own name in it: BuildKit shares equal steps of builds at the same time, and only one hears their log.
    (project.folder / "requirements.txt").write_text(f"six==1.16.0 --hash=sha256:{'0' * 64} # {project.name}\n")
    project.write(
        run="COPY requirements.txt /\n"
        "RUN python3 -m pip install --disable-pip-version-check --target /x -r /requirements.txt"
    )

    failed(project.invoke("build", "--version", "1"), "security:", "DO NOT MATCH THE HASHES")


def test_a_base_image_that_is_nowhere(project: Project) -> None:
    """A base image that cannot be had fails the build, naming it."""
    (project.folder / "Dockerfile").write_text("FROM localhost:1/no/such:base\n")

    done = project.invoke("build", "--version", "1")

    failed(done, "localhost:1/no/such:base", code=3)


def test_no_such_requirement(project: Project) -> None:
    """A version that nobody published is told as such, above pip's own words."""
    (project.folder / "requirements.txt").write_text(f"six==99.0 # {project.name}\n")
    project.write(run="COPY requirements.txt /\nRUN python3 -m pip install --target /x -r /requirements.txt")

    done = project.invoke("build", "--version", "1")

    failed(done, "a requirement has no such version", "| ERROR: No matching distribution found for six==99.0")


def test_a_run_that_never_ends(project: Project) -> None:
    """A build beyond its time is cancelled in the engine, and told with the setting that limits it."""
    project.write(run=f"RUN echo {project.name} && sleep 4567")
    settings = project.folder / "invoke.yaml"
    settings.write_text(f"{settings.read_text()}      build_timeout: 3\n")

    done = project.invoke("build", "--version", "1")

    failed(done, "took too long", "3 s", "build_timeout")
    assert done.seconds < 15
    deadline = time.monotonic() + 10
    while "sleep 4567" in command_lines() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "sleep 4567" not in command_lines()


def test_links_are_links(project: Project, client: docker.DockerClient) -> None:
    """A loop, a link to nowhere and one to a file outside arrive as links: nobody's file comes along."""
    for name, target in (("loop", "."), ("nowhere", "/no/such"), ("passwd", "/etc/passwd")):
        (project.folder / name).symlink_to(target)
    (project.folder / "Dockerfile").write_text(f"FROM {project.base}\nCOPY . /files/\n")

    assert project.invoke("build", "--version", "1").code == 0

    words = ["find", "/files", "-type", "l", "-printf", "%f %l\n"]
    image = client.images.get(f"{project.repository}:1")
    found = client.containers.run(image.id, words, remove=True, labels={"seatrial.test": project.name})
    assert sorted(found.decode().splitlines()) == ["loop .", "nowhere /no/such", "passwd /etc/passwd"]


def test_a_link_out_of_the_context(project: Project) -> None:
    """COPY of a link that leads outside fails, naming it."""
    (project.folder / "shadow").symlink_to("/etc/shadow")
    (project.folder / "Dockerfile").write_text(f"FROM {project.base}\nCOPY shadow /\n")

    failed(project.invoke("build", "--version", "1"), "shadow")


def test_what_may_not_be_read(project: Project) -> None:
    """A file and a folder that may not be read are named, with what to do; nothing is sent."""
    for name in ("file", "folder"):
        path = project.folder / name
        path.mkdir() if name == "folder" else path.write_text("x")
        path.chmod(0)
        without = "-dac_override,-dac_read_search"
        done = subprocess.run(
            ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}", _invoke(), "build", "--version", "1"],
            cwd=project.folder,
            env={**os.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        path.chmod(0o755)
        assert done.returncode == 2, done.stdout
        assert f"{path} cannot be read" in done.stdout
        assert "chmod" in done.stdout
        assert ".dockerignore" in done.stdout
        path.rmdir() if name == "folder" else path.unlink()


def test_a_missing_credential_helper(project: Project, tmp_path: Path) -> None:
    """A build needs no credentials for base images that are there: a helper that is gone stops nothing."""
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "desktop"}))

    done = project.invoke("build", "--version", "1", DOCKER_CONFIG=str(tmp_path))

    assert done.code == 0, done.all


def test_an_image_that_disappears(project: Project, client: docker.DockerClient) -> None:
    """An image that somebody removes between two steps is named; nothing is pulled in its place."""
    assert project.invoke("build", "--version", "1").code == 0
    client.images.remove(f"{project.repository}:1", force=True)

    failed(project.invoke("smoke", "--version", "1"), f"there is no image {project.repository}:1", "build --version 1")


def test_a_full_disk_is_explained(project: Project) -> None:
    """A RUN that fills its disk fails with that as the cause."""
    project.write(run=f"RUN echo {project.name} && dd if=/dev/zero of=/dev/shm/x bs=1M count=200")

    failed(project.invoke("build", "--version", "1"), "a disk is full", "docker system df")


def test_flags_that_are_none(project: Project) -> None:
    """A flag that says nothing Docker understands is refused with its right form."""
    for flag, value, words in (
        ("--build-arg", "A", "--build-arg NAME=VALUE"),
        ("--build-arg", "=B", "--build-arg NAME=VALUE"),
        ("--build-context", "assets", "--build-context NAME=FOLDER"),
        ("--platform", "linux", "--platform linux/amd64"),
    ):
        done = project.invoke("build", "--version", "1", flag, value)
        assert done.code == 2, done.all
        assert words in done.err


def test_flags_reach_the_build(project: Project, client: docker.DockerClient) -> None:
    """Arguments, several of them, and a target arrive in the image, over the settings' own."""
    (project.folder / "Dockerfile").write_text(
        f"FROM {project.base} AS one\nARG A\nARG B\nLABEL a=$A b=$B\nFROM one AS two\nLABEL last=yes\n"
    )
    settings = project.folder / "invoke.yaml"
    settings.write_text(f"{settings.read_text()}      build_args: {{A: red, B: green}}\n")

    done = project.invoke("build", "--version", "1", "--build-arg", "A=x=y", "--build-arg=C=", "--target", "one")

    assert done.code == 0, done.all
    labels = client.images.get(f"{project.repository}:1").labels
    assert (labels["a"], labels["b"], labels.get("last")) == ("x=y", "green", None)


def test_nobody_reads_on(project: Project, client: docker.DockerClient) -> None:
    """A reader that goes away early ends no build half-way."""
    process = project.start("build", "--version", "1")
    assert process.stdout
    process.stdout.close()
    assert process.wait(60) == 0
    assert client.images.get(f"{project.repository}:1")


def test_a_name_that_is_no_utf8(project: Project) -> None:
    """A file whose name no locale can show is shown in escapes."""
    assert project.invoke("build", "--version", "1").code == 0
    (project.folder / os.fsdecode(b"caf\xe9")).write_text("x")

    done = project.invoke("build", "--version", "1", "--check", "--json")

    assert done.code == 0, done.all
    assert done.document["steps"][0]["reason"] == "added: caf\udce9"


def test_a_dockerfile_that_goes_meanwhile(project: Project) -> None:
    """A Dockerfile removed during a build that fails takes nothing from what is told of the failure."""
    project.write(run=f"RUN sleep 2; echo the step broke; exit 7 # {project.name}")
    process = project.start("build", "--version", "1")
    time.sleep(1.2)
    (project.folder / "Dockerfile").unlink()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "| the step broke" in out


def _invoke() -> str:
    return str(Path(sys.executable).parent / "invoke")
