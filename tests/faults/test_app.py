"""Apps that are broken, and ports and names that are taken."""

from __future__ import annotations

import os
import socket

import docker
import pytest

from tests.cli_project import Project, failed
from tests.servers.registries import TestRegistry

pytestmark = [pytest.mark.engine, pytest.mark.container]


def test_an_app_that_dies_at_start(project: Project) -> None:
    """An app that ends at once is told within two seconds of its start, with exit code and last words; then mended."""
    project.write(at_start="print('no module named rum'); sys.exit(3)")
    assert project.invoke("build", "--version", "1").code == 0

    done = project.invoke("smoke")

    failed(done, "exit code 3", "no module named rum")
    assert done.seconds < 4
    project.write()
    assert project.invoke("build", "--version", "1", "smoke").code == 0


def test_an_app_that_never_answers(project: Project) -> None:
    """An app that accepts and never answers fails at the deadline, not before and not long after."""
    project.write(at_request="time.sleep(600)", timeout=2)
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    failed(done, "no complete answer")
    assert 2 < done.seconds < 6


def test_the_wrong_page(project: Project) -> None:
    """A wrong page fails at once, saying what came and what was wanted."""
    project.write(page="goodbye")
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke")

    failed(done, "does not contain 'hello 1'", "goodbye 1")
    assert done.seconds < 5


def test_an_app_that_answers_500(project: Project) -> None:
    """A server error is waited for until the deadline, then told with its status."""
    project.write(status=500, timeout=1.5)
    project.invoke("build", "--version", "1")

    failed(project.invoke("smoke"), "status 500, expected 200")


def test_nothing_is_pushed_that_failed(project: Project, open_registry: TestRegistry) -> None:
    """A release stops at the smoke test, and push alone refuses as well."""
    project.write(page="goodbye")
    where = ("--user", "demo", "--registry", open_registry.host)

    done = project.invoke("release", "--version", "1", *where)

    failed(done, "tag", "skipped", "smoke failed")
    project.invoke("tag", *where)
    failed(project.invoke("push", *where), "has not passed its smoke test")
    assert open_registry.tags(project.published) == []


def test_a_port_that_a_process_holds(project: Project) -> None:
    """A taken port is named with the process that holds it, and no container is left."""
    project.invoke("build", "--version", "1")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", project.port))
        holder.listen()

        done = project.invoke("run")

    failed(done, f"port {project.port} is taken", f"process {os.getpid()}")
    assert project.invoke("run").code == 0


def test_a_name_that_somebody_elses_container_has(project: Project, client: docker.DockerClient) -> None:
    """A foreign container of the app's name is never touched."""
    project.invoke("build", "--version", "1")
    labels = {"seatrial.app": "", "seatrial.test": project.name}
    foreign = client.containers.create(f"{project.repository}:1", name=f"{project.name}-web", labels=labels)
    try:
        before = client.api.inspect_container(foreign.id)

        failed(project.invoke("run"), "is taken", "left alone")
        failed(project.invoke("stop"), "is taken", "left alone")

        assert client.api.inspect_container(foreign.id) == before
    finally:
        foreign.remove(force=True)
