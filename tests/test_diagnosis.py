"""The causes that recorded evidence speaks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lading.app import App, Check
from lading.diagnosis import Evidence, Page, Sources, diagnose, told
from lading.engine import Examination, Health, Socket
from lading.probe import Result, Try
from lading.reference import ImageReference

_TRACEBACK = "Traceback (most recent call last):"
APP = App(
    project="ship",
    name="web",
    context=Path("/src"),
    dockerfile=Path("/src/Dockerfile"),
    repository=ImageReference(repository="ship/web"),
    port=5000,
    host_port=5000,
    checks=(Check(),),
    base_images=(),
    environment={},
    memory=64 * 1024 * 1024,
    smoke_timeout=5,
)
RUNNING = Examination(state="running", read_only=True, writable=("/tmp",), workdir="/app")  # noqa: S108  inside it
ENDED = replace(RUNNING, state="exited", exit_code=1, lived=0.2)
REFUSED = Result(check=Check(), problem="no answer: Connection reset by peer", final=False)


def evidence(examination: Examination | None = ENDED, *log: str, **more: Any) -> Evidence:
    """Give the evidence of a container and its log."""
    return Evidence(app=APP, examination=examination, log=log, **more)


@pytest.mark.parametrize(
    ("lines", "cause", "why"),
    [
        (("ModuleNotFoundError: No module named 'yaml'",), "missing-module", "yaml is missing from requirements.txt"),
        (("ImportError: No module named flask.ext",), "missing-module", "flask.ext"),
        (("Error: Cannot find module 'express'",), "missing-module", "express"),
        (
            ("ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/venv/x.py)",),
            "broken-import",
            "werkzeug.urls has no url_quote",
        ),
        (
            ("ImportError: libpq.so.5: cannot open shared object file: No such file or directory",),
            "missing-library",
            "libpq.so.5",
        ),
        (('  File "/app/a.py", line 7', "    x = = 1", "SyntaxError: invalid syntax"), "syntax-error", "/app/a.py:7"),
        (("IndentationError: unexpected indent",), "syntax-error", "IndentationError"),
        (("OSError: [Errno 30] Read-only file system: '/data/x/log'",), "read-only-root", "/data/x/log"),
        (("Error: EROFS: read-only file system, open '/data/x/log'",), "read-only-root", "/data/x/log"),
        (("mkdir: cannot create directory '/data': Read-only file system",), "read-only-root", "/data"),
        (("open /var/lib/x/db: read-only file system",), "read-only-root", "/var/lib/x/db"),
        (("PermissionError: [Errno 13] Permission denied: '/app/x'",), "permission-denied", "/app/x"),
        (("[ERROR] Connection in use: ('0.0.0.0', 5000)",), "port-taken-inside", "two processes"),
        (("Error: listen EADDRINUSE: address already in use :::5000",), "port-taken-inside", "two processes"),
        (
            (_TRACEBACK, '  File "<frozen os>", line 717, in __getitem__', "    os.environ['A']", "KeyError: 'A_KEY'"),
            "missing-environment",
            "A_KEY",
        ),
        (("FileNotFoundError: [Errno 2] No such file or directory: 'a.yaml'",), "missing-file", "a.yaml"),
        ((_TRACEBACK, "ValueError: no wind"), "uncaught-exception", "ValueError: no wind (exit code 1)"),
        ((_TRACEBACK, "ValueError: no wind", "[ERROR] Reason: Worker failed to boot."), "worker-failed", "no wind"),
        (
            ("Failed to find attribute 'app' in 'page'.", "[ERROR] Reason: App failed to load."),
            "worker-failed",
            "'app'",
        ),
        (("[FATAL tini (7)] exec sail failed: No such file or directory",), "command-not-found", "program sail"),
        (("/bin/sh: 1: sail: not found",), "command-not-found", "program sail"),
        (("[FATAL tini (7)] exec /sail failed: Exec format error",), "wrong-architecture", "exec format error"),
        (("exec /usr/bin/python3: exec format error",), "wrong-architecture", "exec format error"),
        (("[FATAL tini (7)] exec /sail failed: Permission denied",), "permission-denied", "/sail"),
        (("FATAL ERROR: Reached heap limit - JavaScript heap out of memory",), "out-of-memory", "64 MiB"),
        (("nothing that anybody knows",), "unknown", "exit code 1; no known cause fits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_log_says(lines: tuple[str, ...], cause: str, why: str) -> None:
    """A dead app's log names its cause."""
    found = diagnose(evidence(ENDED, *lines))

    assert found.name == cause
    assert why in found.why
    assert "invoke" in found.mend


@pytest.mark.parametrize(
    ("sockets", "cause", "why"),
    [
        ([("127.0.0.1", 5000)], "bound-to-loopback", "127.0.0.1:5000"),
        ([("::1", 5000)], "bound-to-loopback", "[::1]:5000"),
        ([("127.0.0.1", 5000), ("0.0.0.0", 5000)], "no-answer", "listens and does not answer"),  # noqa: S104
        ([("0.0.0.0", 8000)], "wrong-port", "port 8000"),  # noqa: S104
        ([("127.0.0.1", 8000)], "wrong-port", "port 8000"),
        ([], "slow-start", "listens on no port yet"),
    ],
)
def test_what_listens(sockets: list[tuple[str, int]], cause: str, why: str) -> None:
    """Where an app listens that never answered names its cause, whatever its log says."""
    found = tuple(Socket(address=address, port=port) for address, port in sockets)
    seen = replace(RUNNING, sockets=found)

    cause_found = diagnose(evidence(seen, "under way", results=(REFUSED,)))

    assert cause_found.name == cause
    assert why in cause_found.why


def test_both_ways_out_of_a_wrong_port() -> None:
    """An app on the wrong port of loopback must mend both."""
    seen = replace(RUNNING, sockets=(Socket(address="127.0.0.1", port=8000),))

    mend = diagnose(evidence(seen, results=(REFUSED,))).mend

    assert "port: 8000" in mend
    assert "$PORT and on 0.0.0.0" in mend


@pytest.mark.parametrize(
    "seen", [replace(ENDED, oom_killed=True), replace(ENDED, exit_code=137)], ids=["flag", "exit code"]
)
def test_memory_comes_first(seen: Examination) -> None:
    """A kill for memory explains whatever the log says."""
    found = diagnose(evidence(seen, _TRACEBACK, "ValueError: cut off"))

    assert (found.name, "64 MiB" in found.why) == ("out-of-memory", True)
    assert found.mend.startswith("memory: 128m under apps.web")


def test_a_foreign_image() -> None:
    """An image for another platform that ends at once is told with both platforms."""
    found = diagnose(evidence(image_platform="linux/arm64", engine_platform="linux/amd64"))

    assert found.name == "wrong-architecture"
    assert "linux/arm64" in found.why
    assert found.mend == "invoke build --platform linux/amd64 smoke"


def test_what_the_log_says_does_not_count_against_an_answer() -> None:
    """An app that answers, wrongly, is not told of an import that it got over."""
    wrong = Result(check=Check(), problem="status 404, expected 200", final=True)
    log = "ModuleNotFoundError: No module named 'ujson'"

    found = diagnose(evidence(RUNNING, log, results=(wrong,)))

    assert found.name == "wrong-answer"
    assert "status 404" in found.why


@pytest.mark.parametrize("title", ["Welcome to nginx!", "Directory listing for /", "Apache2 Debian Default Page"])
def test_strangers(title: str) -> None:
    """Well-known servers' own pages are known by their titles."""
    wrong = Result(check=Check(), problem="the body does not contain 'hello'", final=True)

    found = diagnose(evidence(RUNNING, results=(wrong,), page=Page(status=200, title=title)))

    assert found.name == "wrong-app"
    assert title in found.why


def test_the_engines_words_count() -> None:
    """A start that the engine refused is told by its words."""
    words = 'OCI runtime create failed: exec: "sail": executable file not found in $PATH: unknown'

    found = diagnose(evidence(replace(ENDED, state="created"), words=words))

    assert found.name == "command-not-found"


def test_the_engines_words_are_not_on_the_apps_own_ports() -> None:
    """A port of the machine that is taken is not one that two processes inside want."""
    words = "failed to bind host port 127.0.0.1:5000/tcp: address already in use"

    assert diagnose(evidence(replace(ENDED, state="created"), words=words)).name != "port-taken-inside"


def test_somebody_removed_it() -> None:
    """A container that is gone is told as that."""
    assert diagnose(evidence(None)).name == "container-removed"


def test_a_folder_with_the_apps_files_is_not_laid_over() -> None:
    """A tmpfs over the app's own folder would hide the app: it is not proposed."""
    found = diagnose(evidence(ENDED, "OSError: [Errno 30] Read-only file system: 'visits.db'"))

    assert "/app/visits.db" in found.why
    assert "tmpfs: [" not in found.mend


def test_packages_with_other_names() -> None:
    """Where the package is not called as its module is, the package's name is proposed."""
    sources = Sources(requirements="requirements.txt")

    found = diagnose(evidence(ENDED, "ModuleNotFoundError: No module named 'PIL'", sources=sources))

    assert found.mend.startswith("add pillow to requirements.txt")


def test_the_evidence_in_lines() -> None:
    """People see the timeline with equal tries folded, the state, the health checks and the log's end."""
    tries = (Try(at=0.01, words="no answer: refused", count=12), Try(at=1.5, words="status 500, expected 200"))
    result = Result(check=Check(), problem="status 500, expected 200", final=False, tries=tries)
    seen = replace(ENDED, health="unhealthy", health_log=(Health(exit_code=1, output="no"),))

    lines = told(evidence(seen, *(f"line {number}" for number in range(30)), results=(result,)))

    assert "GET /: no answer: refused (12 times)" in lines[0]
    assert "its process ended 0.200 s after its start, with exit code 1" in lines[2]
    assert "state exited; exit code 1; health unhealthy; writable: /tmp" in lines[3]
    assert lines[4] == "health check: exit code 1: no"
    assert lines[5:7] == ("log:", "line 10")
    assert len(lines) == 26
