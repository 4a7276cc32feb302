"""What real servers wrote when they could not load an app, and the causes that are found in it.

The logs were captured from Gunicorn 27, uvicorn, hypercorn, waitress, uWSGI, flask run, Django's runserver and Node in
containers with the app in /srv; of long ones the last 100 lines.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Evidence, Sources, without_server_end
from tests.diagnosis.test_causes import APP, ENDED, RUNNING, result

LOGS = Path(__file__).parent / "logs"
SOURCES = Sources(modules=frozenset({"app", "site_", "failing", "broken"}))
REFUSED, FAILED = "no answer: Connection refused", "status 500, expected 200"


@pytest.mark.parametrize(
    ("name", "command", "answer", "cause", "words"),
    [
        ("gunicorn.exception", "gunicorn -b 0.0.0.0:5000 'app:app'", "", "uncaught-exception", "/srv/failing.py:4"),
        (
            "gunicorn.factory",
            "gunicorn -b 0.0.0.0:5000 'app:create_app()'",
            "",
            "app-not-found",
            "fix how CMD calls the factory",
        ),
        ("gunicorn.modname", "gunicorn -b 0.0.0.0:5000 'appp:app'", "", "app-not-found", "appp"),
        ("gunicorn-preload.attribute", "gunicorn -b 0.0.0.0:5000 --preload 'app:nope'", "", "app-not-found", "nope"),
        ("gunicorn.variable", "gunicorn -b 0.0.0.0:5000 'app:app'", "", "missing-environment", "NO_SUCH"),
        ("uvicorn.attribute", "uvicorn --host 0.0.0.0 app:nope", "", "app-not-found", "nope"),
        (
            "uvicorn-two.modname",
            "uvicorn --host 0.0.0.0 --workers 2 appp:app",
            REFUSED,
            "app-not-found",
            "appp",
        ),
        (
            "uvicorn-reload.exception",
            "uvicorn --host 0.0.0.0 --reload app:app",
            REFUSED,
            "uncaught-exception",
            "/srv/failing.py:4",
        ),
        ("flask.modname", "flask --app appp:app run --host 0.0.0.0", "", "app-not-found", "appp"),
        (
            "flask.factory",
            "flask --app app:create_app run --host 0.0.0.0",
            "",
            "app-not-found",
            "fix how CMD calls the factory",
        ),
        ("waitress.attribute", "waitress-serve app:nope", "", "app-not-found", "nope"),
        ("waitress.module", "waitress-serve app:app", "", "missing-module", "no_such_module"),
        (
            "waitress.exception",
            "waitress-serve app:app",
            "",
            "uncaught-exception",
            "JSONDecodeError",
        ),
        ("hypercorn.attribute", "hypercorn -b 0.0.0.0:5000 app:nope", "", "app-not-found", "nope"),
        (
            "uwsgi.attribute",
            "uwsgi --module 'app:nope'",
            FAILED,
            "app-not-found",
            "app:nope",
        ),
        (
            "uwsgi-need-app.syntax",
            "uwsgi --need-app --module 'app:app'",
            "",
            "syntax-error",
            "/srv/broken.py:1",
        ),
        ("runserver.badsettings", "python manage.py runserver 0.0.0.0:5000", "", "missing-module", "site_.setings"),
        ("runserver.database", "python manage.py runserver 0.0.0.0:5000", REFUSED, "service-unreachable", "5432"),
        ("node.module-own", "node server.js", "", "missing-file", "./routes/users"),
        ("node.esm-own", "node server.mjs", "", "missing-file", "/srv/routes.mjs"),
        ("node.module-sub", "node server.js", "", "missing-module", "npm install lodash "),
        ("node.variable", "node server.js", "", "missing-environment", "NO_SUCH"),
    ],
)
def test_the_apps_fault_in_a_servers_log(name: str, command: str, answer: str, cause: str, words: str) -> None:
    """The cause is what is wrong in the app or in CMD, not what its server did about it; no library is to be fixed."""
    log = (LOGS / f"{name}.log").read_text().splitlines()
    inspection = replace(RUNNING if answer else ENDED, workdir="/srv", command=tuple(shlex.split(command)))
    found = diagnose(
        Evidence(
            app=APP,
            inspection=inspection,
            log=without_server_end(tuple(log)),
            results=(result(answer, final=False),) if answer else (),
            sources=SOURCES,
        )
    )
    assert found.name == cause
    assert words in f"{found.reason} {found.hint} "
    assert "/venv/" not in found.hint
