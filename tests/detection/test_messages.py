"""What is said about a folder: each sentence once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from seatrial.detection.search import search
from tests.detection.folders import FLASK, write

_DJANGO = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 's.settings')\n",
    "requirements.txt": "django\ngunicorn\n",
}
_GO = {"go.mod": "module x\n", "main.go": 'package main\nimport "net/http"\nfunc main() { PLACE }\n'}
_NODE = {"package.json": '{"scripts": {"start": "node a.js"}}', "package-lock.json": "{}"}
_NOT_HOME = "it has no page at /: the check expects 404 there; write a page of yours under checks"


def _django(settings: str, urls: str = "path('', home)") -> Mapping[str, str]:
    paths = f"from django.urls import path\nurlpatterns = [{urls}]\n"
    return {**_DJANGO, "s/settings.py": f"ROOT_URLCONF = 's.urls'\n{settings}\n", "s/urls.py": paths}


def _go(start: str) -> Mapping[str, str]:
    return {**_GO, "main.go": _GO["main.go"].replace("PLACE", start)}


@pytest.mark.parametrize(
    ("files", "note"),
    [
        (
            _django("ALLOWED_HOSTS = ['shop.example', 'www.shop.example']"),
            "ALLOWED_HOSTS lets only shop.example, www.shop.example in: the check asks for shop.example",
        ),
        (
            _django("ALLOWED_HOSTS = []\nDEBUG = False"),
            "ALLOWED_HOSTS is empty and DEBUG is off: Django refuses every request; add 127.0.0.1 to it",
        ),
        (
            _django("", "path('admin/', x)"),
            "it has no page at /: the check asks for the login page of its admin",
        ),
        (_django("", "path('a/', x)"), _NOT_HOME),
        (
            {"app.py": f"{FLASK}@app.route('/a')\ndef a():\n    return 'a'\n", "requirements.txt": "flask\ngunicorn"},
            _NOT_HOME,
        ),
        ({"app.py": FLASK}, "no file names flask: the Dockerfile installs it"),
        (
            {"app.py": FLASK, "requirements.txt": "gunicorn"},
            "requirements.txt does not name flask: the Dockerfile installs it",
        ),
        ({"app.py": FLASK}, "no file names a server: the Dockerfile adds gunicorn"),
        ({"app.py": FLASK, ".python-version": "3.12\n"}, "Python 3.12: .python-version says so"),
        (
            {"main.py": "from fastapi import FastAPI\nimport uvicorn\napp = FastAPI()\nuvicorn.run(app)\n"},
            "main.py, line 4 starts a server on import: put it below if __name__ == '__main__':",
        ),
        (
            {"one.py": FLASK, "two.py": FLASK},
            "two.py, line 2 has another app, app; the first one is served",
        ),
        (
            _go('http.HandleFunc("/", x); http.ListenAndServe("localhost:9000", nil)'),
            "it listens on localhost, which nobody outside its container reaches: listen on all addresses",
        ),
        (_go('http.ListenAndServe(":9000", nil)'), "the check of / is a guess: its routes were not found"),
        (
            {**_go('http.HandleFunc("/", x)'), "cmd/a/main.go": _GO["main.go"]},
            "main.go, cmd/a/main.go: several programs; the Dockerfile builds main.go",
        ),
        (
            {"package.json": _NODE["package.json"], "a.js": "app.get('/', x); x.listen(3000)"},
            "no lock file: npm install takes the newest libraries that package.json allows",
        ),
        (
            {**_NODE, "a.js": "app.get('/', x); x.listen(3000, 'localhost')"},
            "it listens on localhost, which nobody outside its container reaches: remove the host from listen()",
        ),
        ({**_NODE, "a.js": "x.listen(3000)"}, "the check of / is a guess: its pages were not found"),
    ],
)
def test_notes(tmp_path: Path, files: Mapping[str, str], note: str) -> None:
    """A note says what is so, and what the user can do about it."""
    (found,) = search(write(tmp_path, files)).apps
    assert note in found.notes


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that cannot be read is named with the reason, and the others count."""
    for files, reason in (
        ({"app.py": FLASK, "bad.py": "def (\n"}, "bad.py, line 1 cannot be read: it is not valid Python 3"),
        ({"app.py": FLASK, "pyproject.toml": "["}, "pyproject.toml cannot be read: it is not valid TOML: "),
        ({"index.html": "", "package.json": "{"}, "package.json cannot be read: it is not valid JSON: "),
    ):
        found = search(write(tmp_path / reason[:3], files))
        assert len(found.apps) == 1
        assert [line[: len(reason)] for line in found.unreadable] == [reason]
