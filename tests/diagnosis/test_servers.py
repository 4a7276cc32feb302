"""What real servers wrote when they could not load an app, and the causes that are found in it.

The logs were captured in containers with the app in /srv; logs/README.md names the versions.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from msgspec.structs import replace

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
        ("gunicorn-two.exit", "gunicorn -w 2 app:app", REFUSED, "crash-loop", "no licence found"),
        ("gunicorn-two.slow", "gunicorn -w 2 app:app", REFUSED, "worker-timeout", "/srv/app.py:5"),
        ("uvicorn-two.died", "uvicorn --host 0.0.0.0 --workers 2 app:app", REFUSED, "crash-loop", "died"),
        ("uwsgi-lazy.died", "uwsgi --lazy-apps --module app:app", REFUSED, "crash-loop", "died"),
        ("node-cluster.exception", "node server.js", REFUSED, "uncaught-exception", "/srv/server.js:2"),
        (
            "gunicorn.sqlalchemy",
            "gunicorn -w 2 app:app",
            "",
            "service-unreachable",
            "PostgreSQL at 127.0.0.1:5432",
        ),
        ("gunicorn.psycopg", "gunicorn -w 2 app:app", "", "service-unreachable", "the host db"),
        (
            "gunicorn.asyncpg",
            "gunicorn -w 2 app:app",
            "",
            "service-unreachable",
            "PostgreSQL at 127.0.0.1:5432",
        ),
        ("gunicorn.pymysql", "gunicorn -w 2 app:app", "", "service-unreachable", "MySQL at db"),
        (
            "gunicorn.pymongo",
            "gunicorn -w 2 app:app",
            "",
            "service-unreachable",
            "MongoDB at 127.0.0.1:27017",
        ),
        (
            "gunicorn.redis",
            "gunicorn -w 2 app:app",
            FAILED,
            "service-unreachable",
            "Redis at 127.0.0.1:6379",
        ),
        ("node.pg-noname", "node server.js", "", "service-unreachable", "the host db"),
        ("node.fetch", "node server.js", "", "service-unreachable", "/srv/server.js:1"),
        ("node.ioredis", "node server.js", REFUSED, "service-unreachable", "Redis at 127.0.0.1:6379"),
        ("uvicorn.pydantic", "uvicorn app:app", "", "missing-environment", "DATABASE_URL: …, SECRET_KEY: …"),
        ("gunicorn.circular", "gunicorn -w 2 app:app", "", "broken-import", "import each other"),
        ("waitress.factory", "waitress-serve --call app:create_app", "", "app-not-found", "create_app() missing 1"),
        ("hypercorn.factory", "hypercorn app:create_app", FAILED, "app-not-found", "create_app() takes 1"),
        ("node.esm-syntax", "node server.mjs", "", "syntax-error", "/srv/lib.mjs:2"),
        ("node.esm-name", "node server.mjs", "", "broken-import", "/srv/server.mjs:1"),
        ("node.json", "node server.js", "", "syntax-error", "fix /srv/config.json"),
        ("node.jsonparse", "node server.js", "", "uncaught-exception", "/srv/lib.js:2"),
        ("node.cjs-in-esm", "node server.js", "", "wrong-module-type", "rename /srv/server.js to .cjs"),
        ("node.noext", "node server.mjs", "", "missing-file", "write ./lib.js in /srv/server.mjs"),
        ("gunicorn.asgi", "gunicorn -w 2 app:app", FAILED, "wrong-server", "FastAPI is an ASGI app"),
        ("uvicorn.wsgi", "uvicorn app:app", FAILED, "wrong-server", "Flask is a WSGI app"),
        ("gunicorn.noclass", "gunicorn -k gevent app:app", "", "missing-module", "add gevent to"),
        ("gunicorn.badflag", "gunicorn --worker app:app", "", "wrong-option", "ambiguous option: --worker"),
        ("gunicorn.noconf", "gunicorn -c gunicorn.conf.py app:app", "", "missing-file", "/srv/gunicorn.conf.py"),
        ("python.group", "python app.py", "", "uncaught-exception", "/srv/app.py:3"),
        ("npm.noscript", "npm start", "", "app-not-found", "script start"),
        ("npm.badjson", "npm start", "", "syntax-error", "/srv/package.json"),
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
