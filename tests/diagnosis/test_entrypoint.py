"""The causes in the words of entrypoint scripts, supervisors and servers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import without_server_end
from tests.diagnosis.test_causes import ENDED, REFUSED, RUNNING, TRACEBACK, evidence


@pytest.mark.parametrize(
    ("lines", "cause", "identity"),
    [
        (("sh: 1: cannot create /etc/x.conf: Read-only file system",), "read-only-root", "/etc/x.conf"),
        (("open data/x.db: read-only file system",), "read-only-root", "/app/data/x.db"),
        (("mkdir: cannot create directory \u2018/var/x\u2019: Read-only file system",), "read-only-root", " /var/x,"),
        (("/entry.sh: 2: .: cannot open /etc/env.sh: No such file",), "missing-file", "no /etc/env.sh in the image"),
        (("cp: cannot stat '/x/a.conf': No such file or directory",), "missing-file", " /x/a.conf "),
        (("su: cannot set groups: Operation not permitted",), "permission-denied", "su: cannot set groups"),
        (('error: failed switching to "app": operation not permitted',), "permission-denied", "failed switching"),
        (
            ("setuid() to 998", "setuid(): Operation not permitted [core/utils.c line 908]"),
            "permission-denied",
            "utils.c",
        ),
        (("setpriv: setresuid failed: Operation not permitted",), "permission-denied", "no capabilities: setpriv"),
        (("start-stop-daemon: unable to set gid to 999 (Operation not permitted)",), "permission-denied", "999"),
        (
            (TRACEBACK, "    os.setgid(1000)", "PermissionError: [Errno 1] Operation not permitted"),
            "permission-denied",
            "no capabilities",
        ),
        (("/entry.sh: line 3: DATABASE_URL: unbound variable",), "missing-environment", "DATABASE_URL, which"),
        (("/entry.sh: 3: DATABASE_URL: parameter not set",), "missing-environment", "DATABASE_URL, which is not set"),
        (("/entry.sh: line 3: DATABASE_URL: tell me the database",), "missing-environment", "(tell me the database)"),
        (("app.cfg: 12: ERROR: no such backend",), "unknown", "no such backend"),
        (
            ("wait-for-it.sh: timeout occurred after waiting 3 seconds for db:5432", ""),
            "unknown",
            "code 1; its last log",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_last_words_of_a_script(lines: tuple[str, ...], cause: str, identity: str) -> None:
    """A script that ended before it started the app says why."""
    found = diagnose(evidence(ENDED, *lines))

    assert found.name == cause
    assert identity in found.reason


GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/app.py", line 1, in <module>
  |     raise ExceptionGroup('startup failed', [KeyError('x'), ValueError('bad dsn')])
  | ExceptionGroup: startup failed (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | KeyError: 'x'
    +---------------- 2 ----------------
    | ValueError: bad dsn
    +------------------------------------
"""


def test_a_group_of_exceptions() -> None:
    """Of a group, its first exception is the cause, with the place in the app's files."""
    found = diagnose(evidence(ENDED, *without_server_end(tuple(GROUP.splitlines()))))

    assert found.reason == "KeyError: 'x' (exit code 1)"
    assert "/srv/app.py:1" in found.hint


def test_a_signal() -> None:
    """An exit code that stands for a signal is shown with its name."""
    assert "exit code 139 (SIGSEGV)" in diagnose(evidence(replace(ENDED, exit_code=139), "starting")).reason


def test_an_app_that_waits_for_something_else() -> None:
    """An app that writes one line again and again waits for what a smoke test does not have: no timeout helps."""
    waiting = [f"12:00:{second:02} db:5432 is unavailable - sleeping" for second in range(6)]
    late = {"results": (REFUSED,)}

    alone = diagnose(evidence(replace(RUNNING, sockets=()), *waiting, **late))
    slow = diagnose(evidence(replace(RUNNING, sockets=()), *waiting, "loading", **late))

    assert (alone.name, slow.name) == ("slow-start", "slow-start")
    assert "alone" in alone.hint
    assert "smoke_timeout" in slow.hint


@pytest.mark.parametrize(
    ("line", "cause", "identity"),
    [
        ("[8] [INFO] Listening at: unix:/tmp/app.sock (7)", "wrong-port", "/app.sock,"),
        ("uwsgi socket 0 bound to UNIX address /tmp/u.sock fd 3", "wrong-port", "/u.sock,"),
    ],
)
def test_a_server_on_a_socket_file(line: str, cause: str, identity: str) -> None:
    """A server that listens on a file, as behind a proxy in the same container, listens on no port."""
    found = diagnose(evidence(replace(RUNNING, sockets=()), line, results=(REFUSED,)))

    assert found.name == cause
    assert identity in found.reason


def test_a_supervisor_that_gave_up() -> None:
    """A program that supervisord does not start any more will not be ready, however long one waits."""
    log = [
        "WARN exited: web (exit status 127; not expected)",
        "INFO gave up: web entered FATAL state, too many retries",
    ]

    found = diagnose(evidence(replace(RUNNING, sockets=()), *log, results=(REFUSED,)))

    assert found.name == "crash-loop"
    assert "web: it ended each time (exit status 127)" in found.reason


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("/entry.sh: 3: cannot create /etc/x.conf: Read-only file system", "write below /tmp"),
        ("mkdir: cannot create directory '/var/lib/x': Read-only file system", "tmpfs: [/var/lib/x]"),
        ('[emerg] mkdir() "/var/lib/nginx/body" failed (30: Read-only file system)', "tmpfs: [/var/lib/nginx]"),
        ("open /var/lib/x/log: read-only file system", "tmpfs: [/var/lib/x]"),
    ],
)
def test_where_a_tmpfs_helps(line: str, hint: str) -> None:
    """The hint names the folder that is missing, and never one of the system's."""
    assert hint in diagnose(evidence(ENDED, line)).hint


def test_no_volume_over_the_apps_files() -> None:
    """A database beside the app is no reason for a volume there: it would keep this version's files for ever."""
    line = "sqlite3.OperationalError: attempt to write a readonly database"
    call = "    sqlite3.connect('/srv/app.db')"
    apart = diagnose(evidence(replace(ENDED, command=("python3", "/app/x.py")), TRACEBACK, call, line))
    beside = diagnose(evidence(replace(ENDED, command=("python3", "/srv/x.py")), TRACEBACK, call, line))

    assert "volumes: {data: /srv}" in apart.hint
    assert "volumes: {" not in beside.hint
