"""The causes that an app's log shows, and those that it only seems to show."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Sources
from seatrial.engine.inspection import Socket
from tests.diagnosis.test_causes import ENDED, REFUSED, RUNNING, TRACEBACK, evidence, result

LOGGING = '  File "/usr/lib/python3.13/logging/__init__.py", line 1263, in _open'
_GUNICORN = "[7] [ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?"


@pytest.mark.parametrize(
    ("lines", "cause", "identity"),
    [
        (("ModuleNotFoundError: No module named 'yaml'",), "missing-module", "yaml"),
        (("ImportError: No module named flask.ext",), "missing-module", "flask.ext"),
        (("/usr/bin/python3: No module named flask",), "missing-module", "flask"),
        (("Error: Cannot find module 'express'",), "missing-module", "express"),
        (("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'express' imported",), "missing-module", "express"),
        (("Error: Cannot find module '/app/server.js'",), "command-not-found", "/app/server.js"),
        (
            ("ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/venv/x.py)",),
            "broken-import",
            "url_quote",
        ),
        (
            ("ImportError: libpq.so.5: cannot open shared object file: No such file or directory",),
            "missing-library",
            "libpq.so.5",
        ),
        (('  File "/app/a.py", line 7', "    x = = 1", "SyntaxError: invalid syntax"), "syntax-error", "/app/a.py:7"),
        (
            (TRACEBACK, '  File "/a.py", line 7, in read', '  File "<unknown>", line 1', "SyntaxError: invalid syntax"),
            "syntax-error",
            "/a.py:7: SyntaxError",
        ),
        (("IndentationError: unexpected indent",), "syntax-error", "IndentationError"),
        (("OSError: [Errno 30] Read-only file system: '/data/x/log'",), "read-only-root", "/data/x/log"),
        (("Error: EROFS: read-only file system, open '/data/x/log'",), "read-only-root", "/data/x/log"),
        (("mkdir: cannot create directory '/data': Read-only file system",), "read-only-root", "/data"),
        (("open /var/lib/x/db: read-only file system",), "read-only-root", "/var/lib/x/db"),
        (
            ('nginx: [emerg] mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)',),
            "read-only-root",
            "/var/cache/nginx/client_temp",
        ),
        (('[emerg] open() "/run/nginx.pid" failed (30: Read-only file system)',), "read-only-root", "/run/nginx.pid"),
        (
            ('nginx: [emerg] chown("/var/cache/nginx", 101) failed (1: Operation not permitted)',),
            "permission-denied",
            "/var/cache/nginx",
        ),
        (("PermissionError: [Errno 1] Operation not permitted: '/x'",), "permission-denied", "/x"),
        (("PermissionError: [Errno 13] Permission denied: '/app/x'",), "permission-denied", "may not use /app/x"),
        (
            (LOGGING, "PermissionError: [Errno 13] Permission denied: '/data/x.log'"),
            "permission-denied",
            "may not write /data/x.log",
        ),
        (
            (LOGGING, "FileNotFoundError: [Errno 2] No such file or directory: '/data/x.log'"),
            "missing-file",
            "there is no /data in the image",
        ),
        (("Error: '/data/x.log' isn't writable [OSError(30, 'Read-only')]",), "read-only-root", "/data/x.log"),
        (("OSError: [Errno 8] Exec format error: '/srv/tool'",), "wrong-architecture", "/srv/tool does not run"),
        (("2026-11-27 08:43:44,123 ERROR db.py:33 connection refused",), "unknown", "exit code 1"),
        (
            ("dial tcp 10.0.0.5:5432: i/o timeout",),
            "service-unreachable",
            "PostgreSQL at 10.0.0.5:5432, which cannot be",
        ),
        (("2026-11-27T08:43:44 cannot reach kafka:9092: Connection refused",), "service-unreachable", "at kafka:9092"),
        (
            ('nginx: [emerg] host not found in upstream "web:8000" in /etc/nginx/nginx.conf:9',),
            "service-unreachable",
            "web:8000, which has no address",
        ),
        (("OperationalError: (2005, \"Unknown MySQL server host 'db' (-2)\")",), "service-unreachable", "MySQL at db"),
        (("app.ConfigError: Set the SECRET_KEY environment variable",), "missing-environment", "variable SECRET_KEY"),
        (("[ERROR] Connection in use: ('0.0.0.0', 5000)",), "port-taken-inside", ""),
        (("Error: listen EADDRINUSE: address already in use :::5000",), "port-taken-inside", ""),
        (
            (TRACEBACK, '  File "<frozen os>", line 717, in __getitem__', "    os.environ['A']", "KeyError: 'A_KEY'"),
            "missing-environment",
            "A_KEY",
        ),
        (
            (TRACEBACK, '  File "/a.py", line 3', "    rates['EUR'] if os.environ else 0", "KeyError: 'EUR'"),
            "uncaught-exception",
            "KeyError: 'EUR'",
        ),
        (("FileNotFoundError: [Errno 2] No such file or directory: 'a.yaml'",), "missing-file", "/app/a.yaml"),
        (
            (
                TRACEBACK,
                '  File "/usr/lib/python3.13/subprocess.py", line 1955, in _execute_child',
                "FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'",
            ),
            "command-not-found",
            "ffmpeg",
        ),
        (
            ("FileNotFoundError: [Errno 2] No such file or directory: '/tmp/charts/x'",),
            "missing-file",
            "/charts/x",
        ),
        ((TRACEBACK, "  File", "jinja2.exceptions.TemplateNotFound: a.html"), "uncaught-exception", "NotFound: a.html"),
        ((TRACEBACK, "  File", "app.AppError", "    in a file"), "uncaught-exception", "app.AppError"),
        ((TRACEBACK, "ValueError: it failed"), "uncaught-exception", "ValueError: it failed"),
        (
            (TRACEBACK, "ValueError: it failed", "[ERROR] Reason: Worker failed to boot."),
            "uncaught-exception",
            "failed",
        ),
        (
            ("Failed to find attribute 'app' in 'page'.", "[ERROR] Reason: App failed to load."),
            "app-not-found",
            "'app'",
        ),
        (("[FATAL tini (7)] exec server failed: No such file or directory",), "command-not-found", "server"),
        (("/bin/sh: 1: server: not found",), "command-not-found", "server"),
        (("/entry.sh: 3: envsubst: not found",), "command-not-found", "envsubst"),
        (("/entry.sh: 3: exec: python3 -u /srv/app.py: not found",), "command-not-found", "'python3 -u /srv/app.py'"),
        (("/entry.sh: line 3: envsubst: command not found",), "command-not-found", "envsubst"),
        (("/bin/sh: exec: line 1: server: not found",), "command-not-found", "server"),
        (("[FATAL tini (7)] exec /server failed: Exec format error",), "wrong-architecture", ""),
        (("exec /usr/bin/python3: exec format error",), "wrong-architecture", ""),
        (("[FATAL tini (7)] exec /server failed: Permission denied",), "permission-denied", "/server"),
        (("FATAL ERROR: Reached heap limit - JavaScript heap out of memory",), "out-of-memory", "64 MiB"),
        (("nothing that anybody knows",), "unknown", "exit code 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_log_shows(lines: tuple[str, ...], cause: str, identity: str) -> None:
    """The log of an app that ended shows the cause."""
    found = diagnose(evidence(ENDED, *lines))

    assert found.name == cause
    assert identity in found.reason
    assert "invoke smoke" in found.hint.replace("build ", "")


@pytest.mark.parametrize(
    "before",
    [
        "WARN ModuleNotFoundError: No module named 'ujson'",
        "WARN OSError: [Errno 30] Read-only file system: '/.config'",
        "PermissionError: [Errno 13] Permission denied: '/x'",
        "FileNotFoundError: [Errno 2] No such file or directory: '/x'",
        "ImportError: cannot import name 'a' from 'b'",
        "/entry.sh: 3: envsubst: not found",
    ],
)
def test_earlier_errors(before: str) -> None:
    """An error in the log before the exception that ended the app is not the cause."""
    call = '  File "/app.py", line 7, in <module>'

    found = diagnose(evidence(ENDED, TRACEBACK, '  File "/old.py", line 1', before, TRACEBACK, call, "ValueError: lee"))

    assert found.name == "uncaught-exception"
    assert "/app.py:7; then: invoke build smoke" in found.hint


@pytest.mark.parametrize(
    "link",
    ["During handling of the above exception, another exception occurred:", "The above exception was the direct cause"],
)
def test_chained_exceptions(link: str) -> None:
    """The exceptions behind the last one count as well."""
    log = [
        TRACEBACK,
        "ModuleNotFoundError: No module named 'psycopg2'",
        "",
        link,
        "",
        TRACEBACK,
        "ImproperlyConfigured: x",
    ]

    assert diagnose(evidence(ENDED, *log)).name == "missing-module"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("matplotlib: mkdir '/.config': Read-only file system", "slow-start"),
        ("mkdir -p failed for path /.config: [Errno 30] Read-only file system: '/.config'", "slow-start"),
        ("/root/.cache: Permission denied", "slow-start"),
        ("OSError: [Errno 30] Read-only file system: '/srv/x'", "read-only-root"),
        ("PermissionError: [Errno 13] Permission denied: '/srv/x'", "permission-denied"),
    ],
)
def test_warnings_of_an_app_that_runs(line: str, cause: str) -> None:
    """While the app runs, a cache that cannot be written is not the cause; an exception is."""
    assert diagnose(evidence(replace(RUNNING, sockets=()), line, results=(REFUSED,))).name == cause
    assert (
        diagnose(evidence(RUNNING, line, results=(result("status 500, expected 200", final=False),))).name
        != "slow-start"
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_helpers_port(address: str) -> None:
    """The port of a debugger or of metrics does not hide why the app's own port is missing."""
    seen = replace(RUNNING, sockets=(Socket(address=address, port=9229),))

    found = diagnose(evidence(seen, TRACEBACK, "ModuleNotFoundError: No module named 'flask'", results=(REFUSED,)))

    assert found.name == "missing-module"


def test_a_worker_that_was_too_slow() -> None:
    """Gunicorn reports a worker that it killed after a timeout like one killed for memory."""
    seen = replace(RUNNING, sockets=(Socket(address="0.0.0.0", port=5000),))  # noqa: S104
    late = result("no answer: no complete answer within 5.0 s", final=False)

    assert diagnose(evidence(seen, _GUNICORN, results=(late,))).name == "out-of-memory"
    assert diagnose(evidence(replace(seen, oom_kills=1), _GUNICORN, results=(late,))).name == "out-of-memory"
    assert diagnose(evidence(replace(seen, oom_kills=0), _GUNICORN, results=(late,))).name == "no-answer"
    slow = diagnose(evidence(seen, "[CRITICAL] WORKER TIMEOUT (pid:9)", _GUNICORN, results=(late,)))
    assert slow.name == "worker-timeout"


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("/app.py", True),
        ("/usr/src/app/main.py", True),
        ("/opt/app/main.py", True),
        ("/usr/local/lib/python3.13/json/decoder.py", False),
        ("/usr/lib/python3/dist-packages/flask/app.py", False),
        ("/venv/lib/python3.13/site-packages/flask/app.py", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_the_place_is_in_the_apps_own_files(file: str, *, own: bool) -> None:
    """The line to fix is the innermost in the app's own files."""
    log = [TRACEBACK, '  File "/entry.py", line 1, in run', f'  File "{file}", line 7, in f', "ValueError: lee"]

    assert (f"{file}:7" if own else "/entry.py:1") in diagnose(evidence(ENDED, *log)).hint


@pytest.mark.parametrize(
    "words",
    [
        "open /var/lib/docker/x: read-only file system",
        "mkdir /sys/fs/cgroup/x: Permission denied",
        "failed to bind host port 127.0.0.1:5000/tcp: address already in use",
    ],
)
def test_messages_of_the_engine(words: str) -> None:
    """An engine's message about this machine is not taken for the app's."""
    assert diagnose(evidence(replace(ENDED, state="created"), words=words)).name == "unknown"


def test_an_import_from_the_standard_library() -> None:
    """If the standard library lacks a name, no other version of a package is suggested."""
    line = "ImportError: cannot import name 'Missing' from 'http.server' (/usr/lib/python3.13/http/server.py)"

    found = diagnose(evidence(ENDED, line))

    assert found.name == "broken-import"
    assert "version" not in found.hint


def test_a_chown_without_capabilities() -> None:
    """If the app may not change owners, the hint is COPY --chown: chmod would not help."""
    hint = diagnose(evidence(ENDED, "chown: /data: Operation not permitted")).hint

    assert "COPY --chown" in hint
    assert "chmod" not in hint


@pytest.mark.parametrize(("path", "folder"), [("/tmp/a/b/x", "/tmp/a/b"), ("/tmp/x", "/tmp/x")])  # noqa: S108
def test_a_folder_that_is_empty_at_start(path: str, folder: str) -> None:
    """A missing file below /tmp cannot be copied there: the app must create it."""
    found = diagnose(evidence(ENDED, f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"))

    assert f" {folder} " in found.hint
    assert "COPY" not in found.hint


def test_packages_with_other_names() -> None:
    """If a package and its module have different names, the hint has the package's name."""
    sources = Sources(requirements="requirements.txt")

    found = diagnose(evidence(ENDED, "ModuleNotFoundError: No module named 'PIL'", sources=sources))

    assert "pillow" in found.hint
