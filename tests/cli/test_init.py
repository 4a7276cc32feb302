"""What `init` writes is enough for a release: each template is built, tested and pushed without an edit."""

from __future__ import annotations

import io
import re
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
_DJANGO = {
    "requirements.txt": "django\nwhitenoise\n",
    "manage.py": """\
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "shop/__init__.py": "",
    "shop/settings.py": """\
SECRET_KEY = "only for this test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.staticfiles"]
WSGI_APPLICATION = "shop.wsgi.application"
STATIC_URL, STATIC_ROOT = "static/", "collected"
""",
    "shop/urls.py": """\
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("Hello"))]
""",
    "shop/wsgi.py": """\
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()
""",
}
_BOTTLE = "import bottle\napp = bottle.Bottle()\n\n@app.get('/')\ndef home():\n    return 'Hello'\n"
_GO = """\
package main

import "net/http"

func main() {
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { answer.Write([]byte("hello")) })
	http.ListenAndServe(":9000", nil)
}
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
LABEL seatrial.test=init
RUN apt-get -q update && apt-get -qy install --no-install-recommends nginx-light nodejs wget
RUN wget -q -O - {npm} | tar -xz -C /usr/lib && ln -s /usr/lib/package/bin/npm-cli.js /usr/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
"""


# Go compiles its own library on first use, which takes longer than all the rest.
_GO_STAND_IN = """\
FROM {base}
LABEL seatrial.test=init
RUN apt-get -q update && apt-get -qy install --no-install-recommends golang-go wget
RUN CGO_ENABLED=0 go build -trimpath net/http
"""


def _made_once(client: docker.DockerClient, name: str, dockerfile: str) -> str:
    """Return the name of an image that stands in for one of Docker Hub; it is made once and stays."""
    try:
        client.images.get(name)
    except ImageNotFound:
        file = io.BytesIO(dockerfile.encode())
        client.images.build(fileobj=file, tag=name, rm=True)
    return name


@pytest.fixture
def stand_in(client: docker.DockerClient, python_image: str) -> str:
    """An image that stands in for nginx's and Node's."""
    return _made_once(client, "localhost/seatrial-tests/web:1", _STAND_IN.format(base=python_image, npm=_NPM))


@pytest.fixture
def go_stand_in(client: docker.DockerClient, python_image: str) -> str:
    """An image that stands in for Go's and BusyBox's."""
    return _made_once(client, "localhost/seatrial-tests/go:1", _GO_STAND_IN.format(base=python_image))


def _release(
    folder: Path,
    registry: TestRegistry,
    files: Mapping[str, str],
    *more: str,
    version: str = "1",
    base: str = "",
) -> None:
    """Run init and release in a folder with these files; `base` takes the place of base images that must be pulled."""
    project = Project(folder=write(folder, files), name=folder.name, base="", port=0)
    done = project.invoke("init", program="seatrial")
    assert done.code == 0, done.all
    settings = project.folder / "invoke.yaml"
    if base:
        text = settings.read_text()
        settings.write_text(re.sub("nginx:1.28-alpine|node:22-slim|busybox:1.37", base, text))

    where = ["--user", "demo", "--registry", registry.host, "--version", version, *more]
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
        pytest.param(_DJANGO, id="django"),
    ],
)
def test_python(tmp_path: Path, project_name: str, open_registry: TestRegistry, files: Mapping[str, str]) -> None:
    """A Flask app without requirements, a FastAPI factory below src and a Django project are released as they are."""
    _release(tmp_path / project_name, open_registry, files)


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["uv", "poetry", "pipenv"])
def test_lock_files(tmp_path: Path, project_name: str, open_registry: TestRegistry, tool: str) -> None:
    """The libraries come from the lock file, as the tool itself reads it."""
    locked = {path.name: path.read_text() for path in (Path(__file__).parent / "locked" / tool).iterdir()}
    _release(tmp_path / project_name, open_registry, {"app.py": _BOTTLE, **locked})


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_go(tmp_path: Path, project_name: str, open_registry: TestRegistry, go_stand_in: str) -> None:
    """A Go module is built in one image and released on another."""
    files = {"go.mod": "module example.org/hello\n\ngo 1.22\n", "main.go": _GO}
    image = ("--build-arg", f"GO_IMAGE={go_stand_in}")
    _release(tmp_path / project_name, open_registry, files, *image, base=go_stand_in)


@pytest.mark.slow
def test_node_and_static_files(tmp_path: Path, project_name: str, open_registry: TestRegistry, stand_in: str) -> None:
    """Static files and a Node app are released on an image that stands in for those of Docker Hub."""
    _release(tmp_path / "static" / project_name, open_registry, {"index.html": _PAGE}, base=stand_in)
    node = {"package.json": _NODE_PACKAGE, "server.js": _NODE}
    _release(tmp_path / "node" / project_name, open_registry, node, version="2", base=stand_in)
