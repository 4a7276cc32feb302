"""The engine is in another network than the pipeline: over TCP, TLS and ssh, or on a socket in a container."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.cli_project import Done, Project, failed
from tests.servers.certificates import issue
from tests.servers.engine_over_tcp import OtherNetwork, engine_over_tcp, other_network

pytestmark = [pytest.mark.engine, pytest.mark.container]
_INVOKE = str(Path(sys.executable).parent / "invoke")
_SSH = """\
#!/bin/sh
# The remote command, without the network in between.
echo "$*" >>"$SSH_LOG"
for last; do :; done
exec env --unset=DOCKER_HOST $last
"""


@pytest.fixture
def network() -> Iterator[OtherNetwork]:
    """A network from which this machine is another one."""
    with other_network() as made:
        yield made


def _run(project: Project, network: OtherNetwork, *words: str, **environment: str) -> Done:
    """Run a command in the other network."""
    return project.invoke(*network.command(_INVOKE, *words), program=shutil.which("ip") or "ip", **environment)


def test_over_tls(project: Project, network: OtherNetwork, tmp_path: Path, client: docker.DockerClient) -> None:
    """Over TLS smoke and run ask at the engine's host, with a warning that the port is open to its network."""
    certificate = issue(tmp_path, network.host)
    elsewhere = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path), "REQUESTS_CA_BUNDLE": "/nonexistent"}
    with engine_over_tcp(network.host, certificate) as port:
        elsewhere["DOCKER_HOST"] = f"tcp://{network.host}:{port}"
        # The secret travels in a session, which is TLS in both directions.
        run = "RUN --mount=type=secret,id=token test -s /run/secrets/token"
        project.write(run=run, settings="build_secrets: {token: env=TOKEN}")
        built = _run(project, network, "build", "--version", "1", TOKEN="S3ntinel", **elsewhere)
        assert built.code == 0, built.all
        project.write()
        smoked = _run(project, network, "smoke", **elsewhere)
        assert smoked.code == 0, smoked.all
        assert f"open to the network of {network.host}" in smoked.all
        served = _run(project, network, "run", **elsewhere)
        assert served.code == 0, served.all
        assert f"http://{network.host}:{project.port}/" in served.all
        (serving,) = client.containers.list(filters={"label": f"seatrial.project={project.name}"})
        assert {one["HostIp"] for ports in serving.ports.values() for one in ports} == {network.host}
        assert _run(project, network, "stop", **elsewhere).code == 0
        (strange := tmp_path / "strange").mkdir()
        issue(strange, network.host)
        refused = _run(project, network, "images", **{**elsewhere, "DOCKER_CERT_PATH": str(strange)})
    assert refused.code == 3
    assert "certificate" in refused.all


def test_over_ssh(project: Project, network: OtherNetwork, tmp_path: Path) -> None:
    """Over ssh everything is as over TCP, also sessions; a login is used again; the port is asked for at that host."""
    (ssh := tmp_path / "ssh").write_text(_SSH)
    ssh.chmod(0o755)
    elsewhere = {
        "DOCKER_HOST": f"ssh://me@{network.host}:2222",
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SSH_LOG": str(tmp_path / "log"),
    }
    project.write(
        run="RUN --mount=type=secret,id=token test -s /run/secrets/token",
        settings="build_secrets: {token: env=TOKEN}",
    )
    built = _run(project, network, "build", "--version", "1", TOKEN="S3ntinel", **elsewhere)
    assert built.code == 0, built.all
    smoked = _run(project, network, "smoke", **elsewhere)
    assert smoked.code == 0, smoked.all
    asked = (tmp_path / "log").read_text().splitlines()
    logins = [one for one in asked if not one.startswith("-G ")]  # which only reads the configuration
    assert len(logins) < 12
    assert set(logins) == {f"-l me -p 2222 -o ConnectTimeout=30 -T -- {network.host} docker system dial-stdio"}


def test_inside_a_container(project: Project, network: OtherNetwork) -> None:
    """With the socket alone the published port is on another 127.0.0.1: that is told at once."""
    assert project.invoke("build", "--version", "1").code == 0
    for command in ("smoke", "run"):
        done = _run(project, network, command, "--json")
        failed(done, "--network host", code=3, cause="port-unreachable")
        assert done.seconds < 10


def test_what_the_docker_cli_would_add(project: Project) -> None:
    """The proxies of Docker's config.json reach RUN and the app; DOCKER_DEFAULT_PLATFORM is the build's platform."""
    proxy = "http://proxy.invalid:3128"
    (Path(os.environ["DOCKER_CONFIG"]) / "config.json").write_text(
        json.dumps({"proxies": {"default": {"httpProxy": proxy}}})
    )
    project.write(run=f'RUN test "$HTTP_PROXY" = {proxy}', at_start=f'assert os.environ["http_proxy"] == "{proxy}"')
    wrong = project.invoke("build", "--version", "1", DOCKER_DEFAULT_PLATFORM="no platform")
    assert wrong.code == 2
    assert "DOCKER_DEFAULT_PLATFORM" in wrong.all
    assert project.invoke("build", "--version", "1", "smoke", DOCKER_DEFAULT_PLATFORM="linux/amd64").code == 0
