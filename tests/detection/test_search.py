"""Other kinds of apps, several apps in one folder, and folders without one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seatrial.detection.search import search
from tests.detection.folders import FLASK, write

_GO = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(":9000", nil) }\n'
_NODE = "const port = process.env.PORT || 4000;\napp.get('/', x).listen(port);\n"


def _package(**scripts: str) -> str:
    return json.dumps({"scripts": scripts, "devDependencies": {"vite": "6", "nodemon": "3"}})


@pytest.mark.parametrize(
    ("files", "what", "port", "image"),
    [
        ({"package.json": _package(start="node server.js"), "server.js": _NODE}, "Node", 4000, "node:22-slim"),
        (
            {"package.json": _package(dev="nodemon web.js"), "web.js": "x.listen(81)", ".nvmrc": "v20"},
            "Node",
            81,
            "node:20-slim",
        ),
        ({"package.json": "{}", "index.js": _NODE}, "Node", 4000, "node:22-slim"),
        (
            {"package.json": _package(build="tsc && vite build"), "index.html": ""},
            "pages built by Vite",
            8080,
            "nginx:1.28-alpine",
        ),
        ({"go.mod": "module x\ngo 1.21\n", "main.go": _GO}, "Go", 9000, "busybox:1.37"),
        (
            {"go.mod": "module x\n", "cmd/web/main.go": _GO.replace('":9000"', 'os.Getenv("PORT")')},
            "Go",
            8080,
            "busybox:1.37",
        ),
        ({"index.html": "<title>Hi</title>"}, "static files", 8080, "nginx:1.28-alpine"),
        ({"public/index.html": ""}, "static files", 8080, "nginx:1.28-alpine"),
        ({"Dockerfile": "FROM x\nEXPOSE 7000\n"}, "an app with a Dockerfile", 7000, ""),
        ({"Dockerfile": "FROM x\nEXPOSE 7000\n", "app.py": FLASK}, "Flask", 7000, "python:3.13-slim"),
        ({"Containerfile": "FROM x\n", "app.py": FLASK}, "Flask", 5000, "python:3.13-slim"),
    ],
)
def test_kinds(tmp_path: Path, files: dict[str, str], what: str, port: int, image: str) -> None:
    """Each kind is found with its port and its base image; a Dockerfile's EXPOSE says more than a framework."""
    (found,) = search(write(tmp_path, files)).apps

    assert (found.what, found.port, found.base_image, found.folder) == (what, port, image, "")


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": _package(test="jest")},
        {"package.json": "{ not JSON"},
        {"go.mod": "module x\n", "main.go": "package main\nfunc main() {}\n"},
        {"Cargo.toml": "", "static/index.html": ""},
        {"templates/index.html": ""},
        {"README.md": "", "data.csv": ""},
    ],
)
def test_nothing_known(tmp_path: Path, files: dict[str, str]) -> None:
    """What is not sure to be a web app is not taken for one; the folder is not empty."""
    found = search(write(tmp_path, files))

    assert (found.apps, found.is_empty) == ((), False)


def test_several_apps(tmp_path: Path) -> None:
    """Apps in folders below are found, with their folders; tests, dependencies and an image without a port are not."""
    files = {"api/app.py": FLASK, "apps/pages/index.html": "", "node_modules/x/index.html": "", "tests/app.py": FLASK}
    found = search(write(tmp_path, {**files, "worker/Dockerfile": "FROM x\n", "my web/index.html": ""}))

    assert [(one.folder, one.what) for one in found.apps] == [
        ("api", "Flask"),
        ("apps/pages", "static files"),
        ("my web", "static files"),
    ]


def test_an_app_in_an_app(tmp_path: Path) -> None:
    """The folder's own app is taken; another one below it is only named."""
    files = {"app.py": FLASK, "templates/index.html": "", "ui/package.json": _package(start="node a.js")}
    found = search(write(tmp_path, files))

    assert [one.folder for one in found.apps] == [""]
    assert found.others == ("ui",)


def test_what_is_no_file(tmp_path: Path) -> None:
    """A pipe is not waited for, a loop of links not followed, and a broken file is named with its line."""
    os.mkfifo(write(tmp_path, {"app.py": FLASK, "bad.py": "x = 1\nif:\n"}) / "pipe.py")
    (tmp_path / "loop").symlink_to(".")

    found = search(tmp_path)

    assert [one.what for one in found.apps] == ["Flask"]
    assert [line for line in found.unreadable if line.startswith("bad.py, line 2")]
