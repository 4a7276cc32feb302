"""Apps that are slow, silent, endless or wrong: how and when their smoke test fails."""

from __future__ import annotations

import re
from pathlib import Path

import docker
import pytest

from tests.cli_project import Done, Project, failed
from tests.servers.registries import TestRegistry
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.container]


def smoke(project: Project) -> Done:
    """Build the app and run its checks."""
    return project.invoke("build", "--version", "1", "smoke", "--json")


def test_slow_to_start(project: Project) -> None:
    """C8, C9: while the app starts, Docker's proxy accepts connections and drops them; the checks wait."""
    project.write(at_start="time.sleep(3)")

    done = smoke(project)

    assert done.code == 0, done.all
    took = re.search(r"GET /.*?\((\d+\.\d+) s\)", done.all)
    assert took is not None
    assert 2 < float(took[1]) < 15


@pytest.mark.alone
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


def test_an_app_that_ends_with_its_answer(project: Project) -> None:
    """An app that dies right after its first answer fails smoke and run alike, with its log."""
    end = "import threading; threading.Timer(0.05, lambda: (print('cannot go on'), os._exit(1))).start()"
    project.write(at_request=end)

    for done in (smoke(project), project.invoke("run", "--json")):
        failed(done, "cannot go on", "died during the checks", "exit code 1", cause="ended")


def test_a_health_check_that_fails(project: Project) -> None:
    """An image whose own HEALTHCHECK fails does not pass, and is not served; its last words are the reason.

    It may fail as often as for the engine.
    """
    project.write(more="HEALTHCHECK CMD test -e /tmp/warm || { touch /tmp/warm; exit 1; }")
    assert smoke(project).code == 0
    project.write(more="HEALTHCHECK --timeout=2s --retries=1 CMD echo the queue is stuck; exit 1")

    for done in (smoke(project), project.invoke("run", "--json")):
        failed(done, "exit code 1: the queue is stuck", cause="unhealthy")


@pytest.mark.parametrize(
    ("content", "dockerfile", "cause", "name"),
    [
        ("exec python3 /app.py", "", "no-shebang", "/entry.sh"),
        ("#!/bin/sh\r\nexec python3 /app.py\r\n", "", "windows-line-ends", "/entry.sh"),
        ("#!/bin/zsh\nexec python3 /app.py", "", "missing-interpreter", "/bin/zsh"),
        (None, 'FROM scratch\nCOPY entry.sh /entry.sh\nCMD ["/entry.sh"]', "missing-library", "/ld-linux"),
    ],
)
def test_an_entrypoint_that_cannot_start(
    project: Project, content: str | None, dockerfile: str, cause: str, name: str
) -> None:
    """What `docker run` would not start does not pass, although an init would hand a script to a shell."""
    file = project.folder / "entry.sh"
    file.write_bytes(Path("/bin/true").read_bytes() if content is None else content.encode())
    file.chmod(0o755)
    project.write(more="COPY entry.sh /entry.sh", command='["/entry.sh"]')
    if dockerfile:
        (project.folder / "Dockerfile").write_text(dockerfile)

    failed(smoke(project), name, cause=cause)


def test_a_container_that_somebody_renames(project: Project, client: docker.DockerClient) -> None:
    """A container that was renamed during its checks is reported as that, and removed all the same."""
    asked = "import socket; print(socket.create_server(('', 5000)).accept(), flush=True)"
    project.write(at_start=f"{asked}; time.sleep(60)")
    assert project.invoke("build", "--version", "1").code == 0
    process = project.start("smoke", "--json")
    labels = {"label": f"seatrial.project={project.name}"}
    try:
        wait_until(lambda: bool(client.api.containers(filters=labels)))
        (found,) = client.api.containers(filters=labels)
        wait_until(lambda: bool(client.api.logs(found["Id"])))
        client.api.rename(found["Id"], f"{project.name}-renamed")
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()

    assert '"cause": "container-renamed"' in out, out + err
    assert client.api.containers(all=True, filters=labels) == []
