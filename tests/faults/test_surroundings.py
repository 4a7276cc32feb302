"""No engine, and a login that a release needs."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli_project import Done, Project, failed
from tests.servers.registries import TestRegistry

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


def test_login_then_push(project: Project, guarded_registry: TestRegistry) -> None:
    """A wrong password is not stored; the right one is stored as docker login does, and then a release works."""

    def log_in(password: str) -> Done:
        words = ["login", "--user", "alice", "--registry", guarded_registry.host, "--password-stdin"]
        return project.invoke(*words, stdin=f"{password}\n")

    config, password = Path(os.environ["DOCKER_CONFIG"]) / "config.json", guarded_registry.password or ""
    wrong = log_in("S3ntinel-wrong")
    assert wrong.code == 1
    assert "alice" in wrong.all
    assert not config.exists()

    done = log_in(password)

    assert done.code == 0, done.all
    kept = json.loads(config.read_text())["auths"][guarded_registry.host]["auth"]
    assert base64.b64decode(kept).decode() == f"alice:{password}"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    where = ("--user", "alice", "--version", "1", "--registry", guarded_registry.host)
    pushed = project.invoke("release", "--untested", *where)
    assert pushed.code == 0, pushed.all
    assert str(guarded_registry.digest(f"alice/page-{project.name}", "1")) in pushed.out
    assert "S3ntinel" not in wrong.all + done.all + pushed.all
