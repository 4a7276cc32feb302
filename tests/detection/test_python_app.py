"""Python apps are found in their source: module, object or factory, server, and what must be installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.detection.folder import Folder
from seatrial.detection.python_app import find_python_app
from tests.detection.folders import FLASK, write

_FACTORY = "import flask\n\ndef create_app(config=None):\n    app = flask.Flask(__name__)\n    return app\n"
_FASTAPI = "from fastapi import FastAPI\napi: FastAPI = FastAPI()\n"
_MANAGE = 'import os\ndef main():\n    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'
_WSGI = "def application(environ, start_response):\n    pass\n"
_ASGI = "async def app(scope, receive, send):\n    pass\n"


@pytest.mark.parametrize(
    ("files", "what", "target", "command", "place"),
    [
        pytest.param({"app.py": FLASK}, "Flask", "app:app", "gunicorn", "", id="Flask"),
        pytest.param({"app.py": FLASK.replace("\n", "\r\n")}, "Flask", "app:app", "gunicorn", "", id="CRLF"),
        pytest.param(
            {"requirements.txt": "flask", "shop/__init__.py": _FACTORY},
            "Flask",
            "shop:create_app()",
            "gunicorn",
            "",
            id="a factory",
        ),
        pytest.param(
            {
                "requirements.txt": "flask",
                "shop/__init__.py": _FACTORY,
                "wsgi.py": "from shop import create_app\napplication = create_app()\n",
            },
            "Flask",
            "wsgi:application",
            "gunicorn",
            "",
            id="what a factory made",
        ),
        pytest.param(
            {"pyproject.toml": "[project]\ndependencies = []", "src/shop/__init__.py": "", "src/shop/web.py": FLASK},
            "Flask",
            "shop.web:app",
            "gunicorn",
            "src",
            id="a package in src",
        ),
        pytest.param(
            {"requirements.txt": "", "app/main.py": _FASTAPI + "from app.items import x\n", "app/items.py": ""},
            "FastAPI",
            "app.main:api",
            "uvicorn",
            "",
            id="a package without __init__, by its imports",
        ),
        pytest.param(
            {"requirements.txt": "", "app/main.py": _FASTAPI + "import items\n", "app/items.py": ""},
            "FastAPI",
            "main:api",
            "uvicorn",
            "app",
            id="a folder that is no package, by its imports",
        ),
        pytest.param(
            {"requirements.txt": "django", "site/manage.py": _MANAGE, "site/mysite/settings.py": ""},
            "Django",
            "mysite.wsgi:application",
            "gunicorn",
            "site",
            id="Django",
        ),
        pytest.param({"hello.py": _WSGI}, "a WSGI app", "hello:application", "gunicorn", "", id="WSGI"),
        pytest.param({"hello.py": _ASGI}, "an ASGI app", "hello:app", "uvicorn", "", id="ASGI"),
        pytest.param(
            {"my app.py": FLASK, "broken.py": "def (", "tests/test_app.py": "app = Flask(1)"},
            "Flask",
            "my app:app",
            "gunicorn",
            "",
            id="a name with a blank, beside a broken file",
        ),
        pytest.param(
            {"other.py": FLASK, "main.py": "from other import app\n"},
            "Flask",
            "other:app",
            "gunicorn",
            "",
            id="imported",
        ),
    ],
)
def test_the_app_is_found(
    tmp_path: Path, files: dict[str, str], what: str, target: str, command: str, place: str
) -> None:
    """Each kind of app is found where it is, with the server that can serve it."""
    found = find_python_app(Folder(write(tmp_path, files)))

    assert found
    assert (found.what, found.target, found.command[0]) == (what, target, command)
    assert place in (found.workdir, found.path)
    assert found.port == {"Flask": 5000}.get(what, 8000)


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "print('hello')\n"},
        {"requirements.txt": "requests\n", "main.py": "import requests\n"},
        {"tests/app.py": FLASK, "requirements.txt": ""},
        {"api/app.py": FLASK},
        {"app.py": "if __name__ == '__main__':\n    from flask import Flask\n    app = Flask(__name__)\n"},
    ],
)
def test_what_is_no_app(tmp_path: Path, files: dict[str, str]) -> None:
    """A script, a test, an app in another folder and what only the main block makes are not this folder's app."""
    assert find_python_app(Folder(write(tmp_path, files))) is None


@pytest.mark.parametrize(
    ("files", "extra", "system"),
    [
        ({}, ("flask", "gunicorn"), ()),
        ({"requirements.txt": "Flask==3.1.0\nGunicorn\npsycopg2\n"}, (), ("gcc", "libc6-dev", "libpq-dev")),
        ({"requirements.txt": "-r more/base.txt\n", "more/base.txt": "flask\n# gunicorn\n"}, ("gunicorn",), ()),
        ({"pyproject.toml": '[project]\ndependencies = ["flask[async]>=3"]\n', "uv.lock": ""}, ("gunicorn",), ()),
        ({"pyproject.toml": "[tool.poetry.dependencies]\nflask = '^3'\ngunicorn = '*'\n", "poetry.lock": ""}, (), ()),
        ({"requirements.txt": "-e .\n", "setup.py": ""}, ("gunicorn",), ()),
        ({"pyproject.toml": "[project]\nthis is not TOML"}, ("flask", "gunicorn"), ()),
    ],
)
def test_what_is_missing_is_added(
    tmp_path: Path, files: dict[str, str], extra: tuple[str, ...], system: tuple[str, ...]
) -> None:
    """The framework and the server are added unless the app's files name them, and the user is told."""
    found = find_python_app(Folder(write(tmp_path, {"app.py": FLASK} | files)))

    assert found
    assert (found.extra, found.requirements.system) == (extra, system)
    assert all(any(package in note for note in found.notes) for package in extra)


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, "3.13"),
        ({".python-version": "# ours\n3.12.4\n"}, "3.12"),
        ({"runtime.txt": "python-3.11.9\r\n"}, "3.11"),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.10'\n"}, "3.13"),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.8,<3.12'\n"}, "3.11"),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.14'\n"}, "3.14"),
    ],
)
def test_the_version_of_python(tmp_path: Path, files: dict[str, str], version: str) -> None:
    """The base image is the Python that the folder asks for."""
    found = find_python_app(Folder(write(tmp_path, {"app.py": FLASK} | files)))

    assert found
    assert found.base_image == f"python:{version}-slim"
    assert ("localhost/seatrial/python:3.13" in found.base_images) is (version == "3.13")


def test_an_app_that_runs_on_import(tmp_path: Path) -> None:
    """`app.run()` outside of the main block does not keep a server from importing the app."""
    for text, expected in (("app.run()\n", True), ("if __name__ == '__main__':\n    app.run()\n", False)):
        found = find_python_app(Folder(write(tmp_path, {"app.py": FLASK + text})))
        assert found
        assert found.runs_on_import is expected


def test_folders_that_the_app_writes_to(tmp_path: Path) -> None:
    """The folders that it makes where it runs are named, and no others."""
    text = "import os\nos.makedirs('logs/web')\nos.mkdir('/var/x')\nos.makedirs(app.instance_path)\n"

    found = find_python_app(Folder(write(tmp_path, {"app.py": FLASK + text})))

    assert found
    assert set(found.writes) == {"/app/logs/web", "/app/instance"}
