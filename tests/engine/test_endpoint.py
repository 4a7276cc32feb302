"""The engine is looked for where the docker CLI (28.2) looks for it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from seatrial.engine.connection import Connection
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.endpoint import Endpoint, TlsFiles, find_endpoint
from seatrial.errors import UsageError
from seatrial.settings.variables import environment

SOCKET = "unix:///var/run/docker.sock"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Docker's configuration folder, empty, with no variable that names an engine."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def _find(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Endpoint:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return find_endpoint(environment())


@pytest.mark.parametrize(
    ("text", "url"),
    [
        *(("", SOCKET), (f" {SOCKET} ", SOCKET), ("unix://", SOCKET), ("unix:///x y.sock", "unix:///x y.sock")),
        *(("tcp://", "tcp://localhost:2375"), ("nonsense", "tcp://nonsense:2375"), (":1", "tcp://localhost:1")),
        ("/var/run/docker.sock", "tcp://localhost:2375/var/run/docker.sock"),
        *(("tcp://user:s3cret@h:1/path", "tcp://h:1/path"), ("tcp://[::1]:1", "tcp://[::1]:1")),
        ("ssh://me@h:22", "ssh://me@h:22"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_addresses(monkeypatch: pytest.MonkeyPatch, text: str, url: str) -> None:
    """An address in DOCKER_HOST is completed as the docker CLI does."""
    assert _find(monkeypatch, DOCKER_HOST=text).url == url


@pytest.mark.parametrize(
    "text",
    [
        *("http://127.0.0.1:1", "tcp://127.0.0.1:abc", "tcp://127.0.0.1:99999", "tcp://h:1?x=s3cret"),
        *("ssh://", "ssh://me:s3cret@h", "foo://me:s3cret@h", "tcp://unix://x"),
    ],
)
def test_addresses_that_are_not_valid(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """What is not an address is wrong use: the variable is named, config.json is not, and no password is shown."""
    with pytest.raises(UsageError) as caught:
        _find(monkeypatch, DOCKER_HOST=text)
    said = f"{caught.value} {caught.value.hint}"
    assert caught.value.exit_code == 2
    assert "DOCKER_HOST" in said
    assert "config.json" not in said
    assert "me:s3cret" not in said
    assert str(folder) not in said


def test_tls(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """DOCKER_TLS_VERIFY turns TLS on, with the certificates of a folder; DOCKER_CERT_PATH alone does nothing."""
    (certificates := folder / "certs").mkdir()
    assert _find(monkeypatch, DOCKER_CERT_PATH=str(certificates)).tls is None
    with pytest.raises(UsageError, match=r"ca\.pem"):
        _find(monkeypatch, DOCKER_TLS_VERIFY="1")
    (certificates / "ca.pem").touch()
    files = TlsFiles(authority=certificates / "ca.pem", client=None, verify=True)
    assert _find(monkeypatch) == Endpoint(url="tcp://localhost:2376", chosen_by="context default", tls=files)
    for name in ("cert.pem", "key.pem"):
        (certificates / name).touch()
    found = _find(monkeypatch, DOCKER_HOST="tcp://h:1", DOCKER_TLS_VERIFY="", DOCKER_TLS="1").tls
    assert found
    assert found.client == (certificates / "cert.pem", certificates / "key.pem")
    assert not found.verify


def test_contexts(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A context of the docker CLI is used without a config.json, too; DOCKER_HOST goes before it."""
    if (cli := shutil.which("docker")) is None:
        pytest.skip("needs the docker CLI")
    create = [cli, "context", "create", "other", "--docker", "host=unix:///tmp/nosuch.sock"]
    subprocess.run(create, check=True, capture_output=True)
    assert not (folder / "config.json").exists()
    assert _find(monkeypatch).url == SOCKET

    (folder / "config.json").write_text(json.dumps({"currentContext": "other"}))
    assert _find(monkeypatch) == Endpoint(url="unix:///tmp/nosuch.sock", chosen_by="context other")
    (folder / "config.json").unlink()
    found = _find(monkeypatch, DOCKER_CONTEXT="other")
    assert (found.url, found.chosen_by) == ("unix:///tmp/nosuch.sock", "DOCKER_CONTEXT=other")
    assert _find(monkeypatch, DOCKER_CONTEXT="default").url == SOCKET
    assert _find(monkeypatch, DOCKER_HOST=SOCKET, DOCKER_CONTEXT="typo").url == SOCKET


@pytest.mark.parametrize(("variable", "config"), [("typo", "{}"), ("", '{"currentContext": "typo"}')])
def test_a_context_that_does_not_exist(
    monkeypatch: pytest.MonkeyPatch, folder: Path, variable: str, config: str
) -> None:
    """An unknown context is wrong use, whatever is asked of the engine; no other engine is used instead."""
    (folder / "config.json").write_text(config)
    monkeypatch.setenv("DOCKER_CONTEXT", variable)
    with pytest.raises(UsageError, match="context not found") as caught:
        DockerEngine(Connection()).images()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["{", "[]", '{"Endpoints": {"docker": 5}}', '{"Endpoints": {}}'])
def test_a_damaged_context(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """A context whose file is damaged is told as that."""
    digest = hashlib.sha256(b"other").hexdigest()
    file = folder / "contexts/meta" / digest / "meta.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(UsageError, match="cannot be read"):
        _find(monkeypatch, DOCKER_CONTEXT="other")
