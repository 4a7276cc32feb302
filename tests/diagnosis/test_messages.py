"""The wording of the causes, each sentence once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Evidence, Page, Sources
from seatrial.engine.inspection import Socket
from seatrial.engine.program import Program
from tests.diagnosis.test_causes import ENDED, REFUSED, RUNNING, TRACEBACK, evidence, result

UNIX = "save it with Unix line ends (in .gitattributes: *.sh text eol=lf), or RUN sed -i 's/\\r$//'"
BUILD, SET = "; then: invoke build smoke", " under apps.web in invoke.yaml, then: invoke smoke"
LISTENING = replace(RUNNING, sockets=(Socket(address="0.0.0.0", port=5000),))  # noqa: S104
ARM = Program(path="/app", kind="compiled", platform="linux/arm64")
NO_LOADER = Program(path="/app", kind="compiled", interpreter="/lib/ld.so", lacks_interpreter=True)
SCRIPT = Program(path="/run.sh", kind="script", interpreter="/bin/zsh -e", lacks_interpreter=True)
NO_DATA = "; a database needs a volume, a tmpfs would lose its data"
NO_DATABASE = "unable to open database file"
ERROR = result("status 500, expected 200; the body begins '<html>'", final=False)
SERVICE = (
    "name one that it reaches (environment: {NAME: …} under apps.web in invoke.yaml), or let the app start and answer "
    "without it"
)
NO_FILE = "FileNotFoundError: [Errno 2] No such file or directory: "


def listening(address: str, port: int) -> Evidence:
    """Return the evidence of an app that listens there and does not answer."""
    return evidence(replace(RUNNING, sockets=(Socket(address=address, port=port),)), results=(REFUSED,))


@pytest.mark.parametrize(
    ("found", "reason", "hint"),
    [
        (
            evidence(None),
            "somebody removed its container during the checks",
            "run the command again (docker events shows who removes the container)",
        ),
        (
            evidence(replace(ENDED, oom_killed=True)),
            "the kernel killed it at the memory limit of 64 MiB",
            f"memory: 128m{SET}",
        ),
        (
            evidence(replace(ENDED, exit_code=137)),
            "SIGKILL ended it (exit code 137), not at its memory limit and not through the engine",
            "find out what in the app, or on the engine's machine, kills it (a watchdog, a supervisor)",
        ),
        (
            evidence(replace(ENDED, exit_code=137, ended_by="request")),
            "somebody stopped its container (docker kill, docker stop)",
            "run the command again (docker events shows who)",
        ),
        (
            evidence(replace(ENDED, exit_code=137, ended_by="restart")),
            "the Docker Engine was restarted while it ran",
            "run the command again",
        ),
        (
            evidence(replace(ENDED, program=ARM, command=("/app",)), engine_platform="linux/amd64"),
            "/app does not run on linux/amd64: it was compiled for linux/arm64",
            f"install the program for linux/amd64{BUILD}",
        ),
        (
            evidence(replace(ENDED, program=replace(SCRIPT, kind="other"))),
            "/run.sh is neither a compiled program nor a script that begins with #! (exec format error)",
            f"begin /run.sh with #!/bin/sh, or with its interpreter{BUILD}",
        ),
        (
            evidence(replace(ENDED, program=replace(SCRIPT, interpreter="/bin/sh\r"))),
            "/run.sh has Windows line ends: it asks for the program '/bin/sh\\r'",
            f"{UNIX} /run.sh{BUILD}",
        ),
        (
            evidence(replace(ENDED, command=("sh", "a.sh")), "env: 'bash\\r': No such file or directory"),
            "sh a.sh has Windows line ends: its shell met a carriage return",
            f"{UNIX} sh a.sh{BUILD}",
        ),
        (
            evidence(ENDED, results=(replace(REFUSED, problem=None),)),
            "it answered its checks, and then its process ended with exit code 1",
            f"fix what ends it after an answer (its log stands above){BUILD}",
        ),
        (
            evidence(
                ENDED, TRACEBACK, '    sqlite3.connect("/data/app.db")', f"sqlite3.OperationalError: {NO_DATABASE}"
            ),
            f"it writes to /data/app.db, but its root is read-only (/tmp can be written to){NO_DATA}",
            f"volumes: {{data: /data}}{SET}",
        ),
        (
            evidence(RUNNING, "[1] [CRITICAL] WORKER TIMEOUT (pid:9)", results=(REFUSED,)),
            "gunicorn killed its worker, which took longer than gunicorn's --timeout",
            f"find out what the worker waits for (a database, a lock), or raise --timeout in CMD{BUILD}",
        ),
        (
            evidence(LISTENING, *["[7] [ERROR] Worker (pid:9) exited with code 1."] * 4, "lee", results=(REFUSED,)),
            "the server's workers end again and again (the last one exited with code 1): lee",
            f"fix what ends them (see their last lines){BUILD}",
        ),
        (
            evidence(ENDED, TRACEBACK, '  File "/a.py", line 3', "Error 111 connecting to 127.0.0.1:6379. Refused."),
            "it needs Redis at 127.0.0.1:6379, which refuses the connection (127.0.0.1 is the container itself)",
            f"{SERVICE} (/a.py:3 connects){BUILD}",
        ),
        (
            evidence(RUNNING, results=(ERROR,), page=Page(status=500, title="Server Error (500)")),
            "GET /: status 500, expected 200; the page's title is 'Server Error (500)'",
            (
                "let the app log its exceptions to standard error: the log shows none (Django: a console handler in "
                "LOGGING, or DEBUG = True)" + BUILD
            ),
        ),
        (
            evidence(RUNNING, results=(ERROR,), page=Page(status=500, title="LeeError at /")),
            "GET /: status 500, expected 200; the page's title is 'LeeError at /'",
            f"fix the error that the page names{BUILD}",
        ),
        (
            evidence(replace(ENDED, program=SCRIPT)),
            "/run.sh needs /bin/zsh, which is not in the image",
            f"install /bin/zsh in the Dockerfile, or begin /run.sh with a shell that is in the image{BUILD}",
        ),
        (
            evidence(replace(ENDED, program=NO_LOADER)),
            "/app is linked dynamically and needs /lib/ld.so, which is not in the image",
            "link /app statically (Go: CGO_ENABLED=0), or use a base image with the C library that it was built for"
            + BUILD,
        ),
        (
            evidence(image_platform="linux/arm64", engine_platform="linux/amd64"),
            "the image is for linux/arm64, but the engine runs linux/amd64",
            "invoke build --platform linux/amd64 smoke",
        ),
        (
            evidence(ENDED, "/bin/sh: 1: server: not found"),
            "the program server is not in the image",
            f"install server in the Dockerfile, or fix CMD (now: ){BUILD}",
        ),
        (
            evidence(ENDED, "[FATAL tini (7)] exec /server failed: Permission denied"),
            "/server is not executable",
            f"COPY --chmod=755, or start CMD with the interpreter (now: ){BUILD}",
        ),
        (
            listening("127.0.0.1", 5000),
            "it listens only on 127.0.0.1:5000 inside the container, which cannot be reached from outside",
            f"let the app listen on 0.0.0.0:5000{BUILD}",
        ),
        (
            listening("127.0.0.1", 8000),
            "it listens on port 8000, but the settings (and $PORT) say port 5000",
            (
                "port: 8000 under apps.web in invoke.yaml, then: invoke smoke; or let the app listen on $PORT and on "
                "0.0.0.0, then: invoke build smoke"
            ),
        ),
        (
            listening("0.0.0.0", 5000),  # noqa: S104
            "it listens but does not answer: GET /: no answer: Connection reset by peer",
            f"find out what the app waits for (a database, a lock, a busy worker){BUILD}",
        ),
        (
            evidence(LISTENING, results=(result("no answer: no HTTP answer (X)"),)),
            "it does not answer in HTTP: GET /: no answer: no HTTP answer (X)",
            f"let the app serve plain HTTP on port 5000{BUILD}",
        ),
        (
            evidence(replace(RUNNING, sockets=()), "loading", results=(REFUSED,)),
            "after 5 s it does not listen on any port yet; its last log line: loading",
            f"smoke_timeout: 30{SET}",
        ),
        (
            evidence(RUNNING, results=(result("x"),), page=Page(status=200, title="Welcome to nginx!")),
            "nginx's welcome page answers, not the app: status 200, title 'Welcome to nginx!'",
            f"let CMD start the app (now: ){BUILD}",
        ),
        (
            evidence(RUNNING, results=(result("status 404, expected 200"),)),
            "GET /: status 404, expected 200",
            f"fix the app, or its checks in invoke.yaml{BUILD}",
        ),
        (
            evidence(replace(ENDED, exit_code=0, command=("true",))),
            "its process ended by itself with exit code 0: true does not keep running as a server does",
            f"start the server in the foreground in CMD{BUILD}",
        ),
        (
            evidence(ENDED, "ModuleNotFoundError: No module named 'yaml'"),
            "the module yaml is missing from requirements.txt, which does not exist",
            f"add pyyaml to requirements.txt and RUN pip install -r in the Dockerfile{BUILD}",
        ),
        (
            evidence(
                ENDED,
                "ModuleNotFoundError: No module named 'flask'",
                sources=Sources(requirements="requirements.txt", required=frozenset({"flask"})),
            ),
            "the module flask is not in the image, although requirements.txt names flask",
            f"install requirements.txt in the Dockerfile, for the Python that CMD starts{BUILD}",
        ),
        (
            evidence(ENDED, "ImportError: cannot import name 'x' from 'a.b' (/a)"),
            "a.b does not contain x",
            f"pin a version of a that has x{BUILD}",
        ),
        (
            evidence(ENDED, "OSError: [Errno 30] Read-only file system: '/data/x/log'"),
            "it writes to /data/x/log, but its root is read-only (/tmp can be written to)",
            f"tmpfs: [/data/x]{SET}",
        ),
        (
            evidence(ENDED, "PermissionError: [Errno 13] Permission denied: '/x'"),
            "root (without capabilities) may not use /x: permission denied",
            f"make it readable for all in the Dockerfile (COPY --chmod=644, or RUN chmod a+rX /x){BUILD}",
        ),
        (
            evidence(ENDED, "EADDRINUSE"),
            "two processes in the container use the same port",
            f"let only one of them listen on $PORT{BUILD}",
        ),
        (
            evidence(ENDED, f"{NO_FILE}'/srv/x'"),
            "there is no /srv/x in the image",
            f"COPY /srv/x in the Dockerfile (does .dockerignore exclude it?){BUILD}",
        ),
        (
            evidence(ENDED, f"{NO_FILE}'/tmp/x'"),
            "there is no /tmp/x, and /tmp is empty when the app starts",
            f"let the app create /tmp/x when it starts{BUILD}",
        ),
        (
            evidence(ENDED, TRACEBACK, "ValueError: x"),
            "ValueError: x (exit code 1)",
            f"fix the error in the log{BUILD}",
        ),
        (
            evidence(ENDED, "nothing known"),
            "its process ended with exit code 1; its last log line: nothing known; no known cause fits",
            f"fix the error in the lines above{BUILD}",
        ),
    ],
)
def test_causes(found: Evidence, reason: str, hint: str) -> None:
    """Each cause has its reason and hint."""
    cause = diagnose(found)
    assert (cause.reason, cause.hint) == (reason, hint)
