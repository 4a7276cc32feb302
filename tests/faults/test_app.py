"""Broken apps, and ports and names that are in use."""

from __future__ import annotations

import os
import re
import socket

import docker
import pytest

from tests.cli_project import Project, failed
from tests.servers.registries import TestRegistry

pytestmark = [pytest.mark.engine, pytest.mark.container, pytest.mark.alone]


def test_an_app_that_dies_at_start(project: Project) -> None:
    """An app that exits at once fails within seconds, with its exit code and log; once fixed, it passes."""
    project.write(at_start="print('no configuration'); sys.exit(3)")
    assert project.invoke("build", "--version", "1").code == 0

    done = project.invoke("smoke", "--json")

    failed(done, "no configuration", cause="unknown")
    assert re.search(r"\b3\b", done.error["reason"])
    assert done.seconds < 4
    project.write()
    assert project.invoke("build", "--version", "1", "smoke").code == 0


def test_an_app_that_never_answers(project: Project) -> None:
    """An app that accepts connections and never answers fails at the deadline."""
    project.write(at_request="time.sleep(600)", timeout=2)
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke", "--json")

    failed(done, cause="no-answer")
    assert 2 < done.seconds < 6


def test_the_wrong_page(project: Project) -> None:
    """A wrong page fails at once; the error holds the expected text and the page."""
    project.write(page="goodbye")
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke", "--json")

    failed(done, "'hello 1'", "goodbye 1", cause="wrong-answer")
    assert done.seconds < 5


def test_an_app_that_answers_500(project: Project) -> None:
    """A server error fails at the deadline with its status and the expected one."""
    project.write(status=500, timeout=1.5)
    project.invoke("build", "--version", "1")

    done = project.invoke("smoke", "--json")

    failed(done, "500", "200", cause="server-error")
    assert done.document["steps"][0]["seconds"] > 1.5


def test_an_image_that_failed_is_not_pushed(project: Project, open_registry: TestRegistry) -> None:
    """A release stops at the smoke test, and push alone refuses the image, too."""
    project.write(page="goodbye")
    where = ("--user", "demo", "--registry", open_registry.host)

    done = project.invoke("release", "--version", "1", *where, "--json")

    failed(done, cause="wrong-answer")
    assert (done.statuses["smoke"], done.statuses["tag"], done.statuses["push"]) == ("failed", "skipped", "skipped")
    assert project.invoke("tag", *where).code == 0
    failed(project.invoke("push", *where, "--json"), "invoke smoke")
    assert open_registry.tags(project.published) == []


def test_a_port_that_a_process_uses(project: Project) -> None:
    """A port in use fails with the process that uses it; once it is free, run works."""
    project.invoke("build", "--version", "1")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", project.port))
        listener.listen()

        done = project.invoke("run", "--json")

    failed(done, str(project.port), str(os.getpid()), cause="port-taken")
    assert project.invoke("run").code == 0


def test_a_name_that_another_container_has(project: Project, client: docker.DockerClient) -> None:
    """Another project's container with the app's name is never changed."""
    project.invoke("build", "--version", "1")
    labels = {"seatrial.app": "", "seatrial.test": project.name}
    foreign = client.containers.create(f"{project.repository}:1", name=f"{project.name}-web", labels=labels)
    try:
        before = client.api.inspect_container(foreign.id)

        for command in ("run", "stop"):
            failed(project.invoke(command, "--json"), f"docker rename {project.name}-web", cause="name-taken")

        assert client.api.inspect_container(foreign.id) == before
    finally:
        foreign.remove(force=True)
