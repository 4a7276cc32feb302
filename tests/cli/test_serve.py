"""run, logs, stop, images, history, inspect and up with a real engine."""

from __future__ import annotations

import json
import re
import select
import shutil
import signal
import subprocess

import docker
import pytest
import requests

from tests.cli_project import Project
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.container]


def test_run_logs_stop(project: Project) -> None:
    """`run` serves the page at the printed address, `logs` shows its log, `stop` ends it; twice each is ok."""
    assert project.invoke("build", "--version", "3").code == 0

    served = project.invoke("run")

    assert served.code == 0, served.all
    address = f"http://127.0.0.1:{project.port}/"
    assert served.out.strip().endswith(address)
    assert requests.get(address, timeout=5).text == "hello 3"
    again = project.invoke("run", "--open", DISPLAY="", WAYLAND_DISPLAY="")
    assert "changed=0" in again.out
    assert f"{address} is not opened" in again.out
    assert "GET / HTTP/1.1" in project.invoke("logs", "--tail", "5").out
    assert project.invoke("stop").code == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=5)
    assert "ok=1" in project.invoke("stop").out
    assert project.invoke("logs").code == 1


def test_environment_and_memory(project: Project, client: docker.DockerClient) -> None:
    """--env and --memory override the settings; the values are in no label and in no output.

    The container has no capabilities, a read-only root, limits, an init, and a port on 127.0.0.1 only.
    """
    assert project.invoke("build", "--version", "3", "run").code == 0
    words = ("run", "--env", "TOKEN=S3ntinel", "--env", "MODE=a=b", "--memory", "96m", "--json")

    done = project.invoke(*words)

    assert done.code == 0, done.all
    assert all(name in done.text_of("run") for name in ("MODE", "TOKEN", "memory"))
    (container,) = client.containers.list(filters={"label": f"seatrial.project={project.name}"})
    assert {"TOKEN=S3ntinel", "MODE=a=b"} <= set(container.attrs["Config"]["Env"])
    host = container.attrs["HostConfig"]
    assert (host["Memory"], host["PidsLimit"]) == (96 * 1024 * 1024, 256)
    assert (host["CapDrop"], host["SecurityOpt"]) == (["ALL"], ["no-new-privileges:true"])
    assert host["ReadonlyRootfs"] is host["Init"] is True
    assert [one["HostIp"] for one in host["PortBindings"]["5000/tcp"]] == ["127.0.0.1"]
    assert container.attrs["Config"]["StopTimeout"] == 10
    assert "S3ntinel" not in json.dumps(container.labels) + done.all
    assert project.invoke(*words).statuses == {"run": "ok"}
    assert project.invoke("run", "--memory", "much").code == 2


def test_logs_follow(project: Project) -> None:
    """`logs --follow` shows new lines, and ends on Ctrl-C and when the container ends."""
    assert project.invoke("build", "--version", "3", "run").code == 0
    process = project.start("logs", "--follow", "--tail", "0")
    assert process.stdout
    wait_until(lambda: requests.get(f"http://127.0.0.1:{project.port}/seen", timeout=5).ok and _readable(process))
    assert "GET /seen" in process.stdout.readline()

    done = project.interrupt(process, signal.SIGINT)

    assert (done.code, done.err) == (130, "")
    assert done.seconds < 2
    process = project.start("logs", "--follow")
    wait_until(lambda: _readable(process))
    assert project.invoke("stop").code == 0

    _, err = process.communicate(timeout=10)

    assert (process.returncode, err) == (0, "")


def _readable(process: subprocess.Popen[str]) -> bool:
    """Return whether a command has printed something."""
    assert process.stdout
    return bool(select.select([process.stdout], [], [], 0.1)[0])


def test_images_and_history_as_docker_shows_them(project: Project, client: docker.DockerClient) -> None:
    """`images`, `history` and `inspect` print the same as the docker CLI, and with -q its short ids."""
    assert project.invoke("build", "--version", "1").code == 0
    (described,) = json.loads(project.invoke("inspect").out)
    assert described == client.api.inspect_image(f"{project.repository}:1")
    cli = shutil.which("docker")
    if cli is None:
        pytest.skip("there is no docker CLI to compare with")

    def theirs(*words: str) -> list[str]:
        return subprocess.run([cli, *words], capture_output=True, text=True, check=True).stdout.splitlines()

    ours = project.invoke("images").out.splitlines()
    wanted = theirs("images")
    assert ours[0].split() == wanted[0].split()
    assert _about(project.repository, ours) == _about(project.repository, wanted)
    (image_id,) = project.invoke("images", "--app", "web", "-q").out.split()
    assert theirs("images", "-q", project.repository) == [image_id]
    assert project.invoke("history").out.splitlines() == theirs("history", image_id)
    assert project.invoke("history", "-q").out.splitlines() == theirs("history", "-q", image_id)
    rows = json.loads(project.invoke("images", "--app", "web", "--json").out)
    assert [(row["Repository"], row["Tag"], row["ID"]) for row in rows] == [(project.repository, "1", image_id)]


def _about(repository: str, rows: list[str]) -> list[str]:
    """Return a repository's rows, without what changes with other images' rows (gaps) and with time (seconds)."""
    return [re.sub(r"\d+ seconds", "some seconds", re.sub(" {3,}", "   ", row)) for row in rows if repository in row]


def test_up_is_ok_with_a_running_engine(project: Project) -> None:
    """`up` in check mode finds the running engine and changes nothing."""
    done = project.invoke("up", "--check", "--json")
    assert (done.code, done.statuses["engine"]) == (0, "ok"), done.all
