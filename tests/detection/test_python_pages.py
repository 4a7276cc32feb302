"""The check of a Python app asks for a page that it has, and for text that stands there for sure."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.detection.app import PageCheck
from seatrial.detection.folder import Folder
from seatrial.detection.python_app import find_python_app
from tests.detection.folders import FLASK, write

_FASTAPI = "from fastapi import FastAPI, APIRouter\napp = FastAPI()\nrouter = APIRouter(prefix='/x')\n"
_VIEW = "@app.route('/')\ndef index():\n    return "
_TEMPLATE = _VIEW + "render_template('index.html', name='x')\n"
_URLS = "from django.urls import include, path\nurlpatterns = [{}]\n"
_SETTINGS = "ROOT_URLCONF = 's.urls'\nDEBUG = True\nALLOWED_HOSTS = {}\n"


@pytest.mark.parametrize(
    ("source", "html", "expected"),
    [
        (FLASK + _VIEW + "'Hello World!'\n", "", PageCheck(text="Hello World!")),
        (FLASK + _VIEW + "f'Hello {x}'\n", "", PageCheck()),
        (FLASK + _VIEW + "{'status': 'ok'}\n", "", PageCheck(json={"status": "ok"})),
        (FLASK + _TEMPLATE, "<title> My shop\n</title>", PageCheck(text="My shop")),
        (FLASK + _TEMPLATE, "<title>{{ title }}</title><h1>Hi</h1>", PageCheck(text="Hi")),
        (FLASK + _TEMPLATE, "{% if name %}<h1>Hi</h1>{% endif %}", PageCheck()),
        (FLASK + _TEMPLATE, "<!-- <h1>Old</h1> --><h1>New</h1>", PageCheck(text="New")),
        (FLASK + "@login_required\n" + _TEMPLATE, "<h1>Hi</h1>", PageCheck()),
        (FLASK + "app.get('/')(view)\n", "", PageCheck()),
        (FLASK + "@app.post('/')\ndef f(): ...\n", "", PageCheck(status=404)),
        (FLASK + "@app.get('/healthz')\ndef f(): ...\n", "", PageCheck(path="/healthz")),
        (
            FLASK
            + "from flask import Blueprint\nb = Blueprint('b', '', url_prefix='/b')\n@b.route('/')\ndef f(): ...\n",
            "",
            PageCheck(status=404),
        ),
        (_FASTAPI + "@app.get('/')\nasync def f():\n    return {'a': 1}\n", "", PageCheck(json={"a": 1})),
        (_FASTAPI + "@app.get('/items/{x}')\ndef f(x): ...\n", "", PageCheck(path="/docs")),
        (_FASTAPI.replace("FastAPI()", "FastAPI(docs_url=None)"), "", PageCheck(status=404)),
        (_FASTAPI + "@router.get('')\ndef f(): ...\n", "", PageCheck(path="/docs")),
    ],
)
def test_pages(tmp_path: Path, source: str, html: str, expected: PageCheck) -> None:
    """What is not sure is not expected."""
    found = find_python_app(Folder(write(tmp_path, {"app.py": source, "templates/index.html": html})))

    assert found
    assert found.check == expected


@pytest.mark.parametrize(
    ("hosts", "urls", "expected"),
    [
        ("[]", "path('', home)", PageCheck()),
        ("['*']", "path('admin/', admin.site.urls)", PageCheck()),
        ("[]", "path('admin/', admin.site.urls), path('polls/', polls)", PageCheck(path="/admin/login/")),
        ("[]", "path('polls/', polls)", PageCheck(status=404)),
        ("['shop.example', 'x']", "path('', home)", PageCheck(host="shop.example")),
        ("[]", "path('', include('s.more'))", PageCheck()),
    ],
)
def test_pages_of_django(tmp_path: Path, hosts: str, urls: str, expected: PageCheck) -> None:
    """The check asks for a page of the URL configuration, and for a host that ALLOWED_HOSTS lets in."""
    files = {
        "manage.py": "import os\nname = 's.prod' if 'X' in os.environ else 's.settings'\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', name)\n",
        "s/settings.py": _SETTINGS.format(hosts) + "import os\nKEY = os.environ['SECRET_KEY'], os.environ['DB']\n",
        "s/urls.py": _URLS.format(urls),
        "s/more.py": _URLS.format("path('', home)"),
    }

    found = find_python_app(Folder(write(tmp_path, files)))

    assert found
    assert found.check == expected
    assert list(found.environment) == ["SECRET_KEY"]
    assert any("need DB" in note for note in found.notes)
