"""Failures around an app, each with its cause."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from tests.cli_project import Project, failed
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.container]


@pytest.mark.alone
def test_no_engine(project: Project) -> None:
    """Without an engine a command exits with 3 in under a second and a half and names the socket, also with --json."""
    nowhere = "unix:///nonexistent/docker.sock"

    listed = project.invoke("images", DOCKER_HOST=nowhere)
    done = project.invoke("build", "--version", "1", "--json", DOCKER_HOST=nowhere)

    assert (listed.code, done.document["exit_code"], done.document["status"]) == (3, 3, "failed")
    assert nowhere in listed.all
    assert "Traceback" not in listed.all
    assert listed.seconds < 1.5
    failed(done, nowhere, code=3, cause="no-engine")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a socket")
def test_a_socket_without_permission(project: Project, tmp_path: Path) -> None:
    """For an engine's socket of another user, the hint is the group to join."""
    path, without = tmp_path / "engine.sock", "-dac_override,-dac_read_search"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(path))
        engine.listen()
        os.chown(path, 65534, 65534)
        path.chmod(0o600)

        invoke = str(Path(sys.executable).parent / "invoke")
        done = subprocess.run(
            ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}", invoke, "smoke", "--json"],
            cwd=project.folder,
            env={**os.environ, "DOCKER_HOST": f"unix://{path}"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 3, done.stdout + done.stderr
    assert '"cause": "permission-denied"' in done.stdout
    assert "usermod -aG docker" in done.stdout


def test_a_container_that_is_removed(project: Project, client: docker.DockerClient) -> None:
    """A container that is removed during its smoke test has that as its cause."""
    project.write(at_start="time.sleep(60)")
    assert project.invoke("build", "--version", "1").code == 0
    process = project.start("smoke", "--json")

    def running() -> bool:
        return bool(client.api.containers(filters={"label": f"seatrial.project={project.name}"}))

    try:
        wait_until(running)
        for one in client.api.containers(filters={"label": f"seatrial.project={project.name}"}):
            client.api.remove_container(one["Id"], force=True)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 1, out + err
    (step,) = json.loads(out)["steps"]
    assert step["error"]["cause"] == "container-removed"
