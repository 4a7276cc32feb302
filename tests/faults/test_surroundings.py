"""No engine, no registry, no credentials, and other content under the version."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli_project import Done, Project
from tests.servers.registries import TestRegistry

pytestmark = [pytest.mark.engine, pytest.mark.container]


def _pushed(project: Project, registry: str, user: str = "alice", version: str = "1") -> Done:
    return project.invoke("release", "--user", user, "--version", version, "--registry", registry)


def _logged_in(project: Project, registry: TestRegistry, password: str) -> Done:
    words = ["login", "--user", registry.user or "", "--registry", registry.host, "--password-stdin"]
    return project.invoke(*words, stdin=f"{password}\n")


@pytest.mark.alone
@pytest.mark.parametrize("command", [["smoke"], ["images"]])
def test_no_engine(project: Project, command: list[str]) -> None:
    """Without an engine every command exits with 3 in under a second and a half and names the socket."""
    done = project.invoke(*command, DOCKER_HOST="unix:///nonexistent/docker.sock")

    assert done.code == 3
    assert "unix:///nonexistent/docker.sock" in done.all
    assert "Traceback" not in done.all
    assert done.seconds < 1.5


def test_no_engine_in_json(project: Project) -> None:
    """Without an engine --json still prints one document, with the error."""
    done = project.invoke("build", "--version", "1", "--json", DOCKER_HOST="unix:///nonexistent/docker.sock")

    assert (done.code, done.document["exit_code"], done.document["status"]) == (3, 3, "failed")
    assert done.document["steps"][0]["error"]["hint"]
    assert done.document["steps"][0]["error"]["cause"] == "no-engine"


def test_no_registry(project: Project, free_port: int) -> None:
    """A registry that is down fails with host and port before anything is built."""
    done = _pushed(project, f"localhost:{free_port}")

    assert done.code == 3
    assert f"localhost:{free_port}" in done.all
    assert "ok=0  changed=0" in done.out


def test_push_without_login(project: Project, guarded_registry: TestRegistry) -> None:
    """Without a login a push fails with the command to log in."""
    done = _pushed(project, guarded_registry.host)

    assert done.code == 1
    assert f"login --user NAME --registry {guarded_registry.host}" in done.all


def test_wrong_password(project: Project, guarded_registry: TestRegistry) -> None:
    """A wrong password is not stored and not printed."""
    done = _logged_in(project, guarded_registry, "S3ntinel-wrong")

    assert done.code == 1
    assert "alice" in done.all
    assert "S3ntinel" not in done.all
    assert not (Path(os.environ["DOCKER_CONFIG"]) / "config.json").exists()


def test_a_stored_wrong_password(project: Project, guarded_registry: TestRegistry) -> None:
    """A push with a wrong stored password fails with the user, never the password."""
    auth = base64.b64encode(b"alice:S3ntinel-wrong").decode()
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    config.write_text(json.dumps({"auths": {guarded_registry.host: {"auth": auth}}}))

    done = _pushed(project, guarded_registry.host)

    assert done.code == 1
    assert "alice" in done.all
    assert "S3ntinel" not in done.all
    assert auth not in done.all


def test_login_then_push(project: Project, guarded_registry: TestRegistry) -> None:
    """After a login a push works, the password is stored as docker login stores it, and a second login is ok."""
    password = guarded_registry.password or ""
    done = _logged_in(project, guarded_registry, password)

    assert done.code == 0, done.all
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    kept = json.loads(config.read_text())["auths"][guarded_registry.host]["auth"]
    assert base64.b64decode(kept).decode() == f"alice:{password}"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert "ok=1" in _logged_in(project, guarded_registry, password).out
    pushed = _pushed(project, guarded_registry.host)
    assert pushed.code == 0, pushed.all
    assert str(guarded_registry.digest(f"alice/page-{project.name}", "1")) in pushed.out
    assert password not in done.all + pushed.all


def test_other_content_under_the_version(project: Project, open_registry: TestRegistry) -> None:
    """A published version is not overwritten with other content (exit code 4) without --overwrite."""
    assert _pushed(project, open_registry.host, "demo").code == 0
    before = open_registry.digest(project.published, "1")
    project.write(page="hello hello")
    words = ["release", "--user", "demo", "--version", "1", "--registry", open_registry.host]

    refused = project.invoke(*words)

    assert refused.code == 4
    assert str(before) in refused.out
    assert open_registry.digest(project.published, "1") == before
    assert project.invoke(*words, "--check").code == 4
    assert project.invoke(*words, "--overwrite").code == 0
    assert open_registry.digest(project.published, "1") != before
