"""Apps and Dockerfiles that are broken, and ports and names that are taken."""

from __future__ import annotations

import os
import socket

import docker
import pytest

from tests.cli_project import Done, Project

pytestmark = pytest.mark.engine


def _failed(done: Done, *words: str, code: int = 1) -> None:
    """Hold that a command failed as it should: exit code, three parts, no traceback, a recap."""
    assert done.code == code, done.all
    assert "why:" in done.all
    assert "next:" in done.all
    assert "Traceback" not in done.err
    assert "RECAP" in done.all
    for word in words:
        assert word in done.all


def test_an_app_that_dies_at_start(project: Project) -> None:
    """An app that ends at once is told within two seconds of its start, with exit code and last words; then mended."""
    project.write(at_start="print('no module named rum'); sys.exit(3)")
    assert project.invoke("build", "--version", "1").code == 0

    done = project.invoke("smoke")

    _failed(done, "exit code 3", "no module named rum")
    assert done.seconds < 4
    project.write()
    assert project.invoke("build", "--version", "1", "smoke").code == 0


def test_an_app_that_never_answers(project: Project) -> None:
    """An app that accepts and never answers fails at the deadline, not before and not long after."""
    project.write(at_request="time.sleep(600)", timeout=2)
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    _failed(done, "no complete answer")
    assert 2 < done.seconds < 6


def test_the_wrong_page(project: Project) -> None:
    """A wrong page fails at once, saying what came and what was wanted."""
    project.write(page="ahoy")
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    _failed(done, "does not contain 'hello 1'", "ahoy 1")
    assert done.seconds < 5


def test_an_app_that_answers_500(project: Project) -> None:
    """A server error is waited for until the deadline, then told with its status."""
    project.write(status=500, timeout=1.5)
    project.invoke("build", "--version", "1")

    _failed(project.invoke("smoke"), "status 500, expected 200")


def test_nothing_is_pushed_that_failed(project: Project) -> None:
    """A release stops at the smoke test, and push alone refuses as well."""
    project.write(page="ahoy")

    done = project.invoke("release", "--user", "demo", "--version", "1", "--registry", "127.0.0.1:1")

    _failed(done, "tag", "skipped", "smoke failed")
    project.invoke("tag", "--user", "demo", "--registry", "127.0.0.1:1")
    refused = project.invoke("push", "--user", "demo", "--registry", "127.0.0.1:1")
    _failed(refused, "has not passed its smoke test")


def test_a_port_that_a_process_holds(project: Project) -> None:
    """A taken port is named with the process that holds it, and no container is left."""
    project.invoke("build", "--version", "1")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", project.port))
        holder.listen()

        done = project.invoke("run")

    _failed(done, f"port {project.port} is taken", f"process {os.getpid()}")
    assert project.invoke("run").code == 0


def test_a_name_that_somebody_elses_container_has(project: Project, client: docker.DockerClient) -> None:
    """A foreign container of the app's name is never touched."""
    project.invoke("build", "--version", "1")
    labels = {"lading.app": "", "lading.test": project.name}
    foreign = client.containers.create(f"{project.repository}:1", name=f"{project.name}-web", labels=labels)
    try:
        before = client.api.inspect_container(foreign.id)

        _failed(project.invoke("run"), "is taken", "left alone")
        _failed(project.invoke("stop"), "is taken", "left alone")

        assert client.api.inspect_container(foreign.id) == before
    finally:
        foreign.remove(force=True)


def test_a_dockerfile_that_is_wrong(project: Project) -> None:
    """A wrong word in the Dockerfile is told with its line."""
    (project.folder / "Dockerfile").write_text(f"FROM {project.base}\nFORM x\n")

    _failed(project.invoke("build", "--version", "1"), "line 2", "FORM")


def test_a_run_that_fails(project: Project) -> None:
    """A failing RUN is told with its step and the last lines it printed."""
    project.write(run=f"RUN echo all hands && echo lost >&2 && exit 9 # {project.name}")

    _failed(project.invoke("build", "--version", "1"), "RUN echo all hands", "| lost", "exit code: 9")


def test_a_requirement_whose_hash_is_wrong(project: Project) -> None:
    """A package that is not the one that was locked is a security failure."""
    # Its own name in it: BuildKit shares equal steps of builds at the same time, and only one hears their log.
    (project.folder / "requirements.txt").write_text(f"six==1.16.0 --hash=sha256:{'0' * 64} # {project.name}\n")
    project.write(
        run="COPY requirements.txt /\n"
        "RUN python3 -m pip install --disable-pip-version-check --target /x -r /requirements.txt"
    )

    _failed(project.invoke("build", "--version", "1"), "security:", "DO NOT MATCH THE HASHES")


def test_a_base_image_that_is_nowhere(project: Project) -> None:
    """A base image that cannot be had fails the build, naming it."""
    (project.folder / "Dockerfile").write_text("FROM localhost:1/no/such:base\n")

    done = project.invoke("build", "--version", "1")

    _failed(done, "localhost:1/no/such:base", code=3)
