"""What `init` writes is enough for a release: each template is built, tested and pushed without an edit."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from tests.cli_project import Project
from tests.detection.folders import FLASK, write
from tests.servers.registries import TestRegistry

pytestmark = [pytest.mark.engine, pytest.mark.container]

_PAGE = "<!doctype html>\n<title>Made by init</title>\n"
_FASTAPI = """\
from fastapi import FastAPI

def build_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def home() -> dict[str, str]:
        return {"hello": "world"}

    return app
"""
_NODE = """\
const server = require('http').createServer((request, answer) => answer.end('hello'))
server.listen(process.env.PORT || 3000)
"""
_NODE_PACKAGE = '{"name": "x", "version": "1.0.0", "scripts": {"start": "node server.js"}}'
_NPM = "https://registry.npmjs.org/npm/-/npm-10.9.2.tgz"
# Debian's nginx and Node with npm's own archive, whose package in Debian is ten times as large.
_STAND_IN = """\
FROM {base}
RUN apt-get -q update && apt-get -qy install --no-install-recommends nginx-light nodejs wget
RUN wget -q -O - {npm} | tar -xz -C /usr/lib && ln -s /usr/lib/package/bin/npm-cli.js /usr/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
"""


@pytest.fixture
def stand_in(client: docker.DockerClient, python_image: str) -> str:
    """An image that stands in for nginx's and Node's, which no engine here can pull; it is made once and stays."""
    name = "localhost/seatrial-tests/web:1"
    try:
        client.images.get(name)
    except ImageNotFound:
        text = _STAND_IN.format(base=python_image, npm=_NPM)
        client.images.build(fileobj=io.BytesIO(text.encode()), tag=name, labels={"seatrial.test": "init"}, rm=True)
    return name


def _release(
    folder: Path, registry: TestRegistry, files: Mapping[str, str], *, version: str = "1", base: str = ""
) -> None:
    """Run init and release in a folder with these files; `base` takes the place of base images that must be pulled."""
    project = Project(folder=write(folder, files), name=folder.name, base="", port=0)
    done = project.invoke("init", program="seatrial")
    assert done.code == 0, done.all
    settings = project.folder / "invoke.yaml"
    if base:
        text = settings.read_text()
        settings.write_text(text.replace("nginx:1.28-alpine", base).replace("node:22-slim", base))

    where = ["--user", "demo", "--registry", registry.host, "--version", version]
    released = project.invoke("release", *where, "--json")

    assert released.code == 0, released.all
    assert released.statuses["push"] == "changed"
    assert version in registry.tags(f"demo/{folder.name}")
    notes = [note for step in released.document["steps"] for note in step.get("notes", ())]
    failed = [note for note in notes if note.startswith("image check") and not (base and "setuid" in note)]
    assert failed == [], "only the stand-in may have setuid files"


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"app.py": FLASK + "@app.route('/')\ndef home():\n    return 'Hello'\n"}, id="flask"),
        pytest.param(
            {"pyproject.toml": '[project]\ndependencies = ["fastapi"]\n', "src/shop/__init__.py": _FASTAPI},
            id="fastapi",
        ),
    ],
)
def test_python(tmp_path: Path, project_name: str, open_registry: TestRegistry, files: Mapping[str, str]) -> None:
    """A Flask app without requirements, and a FastAPI factory below src, are released as they are."""
    _release(tmp_path / project_name, open_registry, files)


def test_node_and_static_files(tmp_path: Path, project_name: str, open_registry: TestRegistry, stand_in: str) -> None:
    """Static files and a Node app are released on an image that stands in for those of Docker Hub."""
    _release(tmp_path / "static" / project_name, open_registry, {"index.html": _PAGE}, base=stand_in)
    node = {"package.json": _NODE_PACKAGE, "server.js": _NODE}
    _release(tmp_path / "node" / project_name, open_registry, node, version="2", base=stand_in)
