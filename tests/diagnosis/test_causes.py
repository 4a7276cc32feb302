"""The causes that recorded evidence speaks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seatrial.checks.http.probe import Attempt, Result
from seatrial.diagnosis.answers import deployed_cause
from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Evidence, Page
from seatrial.diagnosis.timeline import describe
from seatrial.engine.inspection import ContainerInspection, Health, Socket
from seatrial.model.app import App, Check
from seatrial.model.reference import ImageReference

TRACEBACK = "Traceback (most recent call last):"
APP = App(
    project="shop",
    name="web",
    context=Path("/src"),
    dockerfile=Path("/src/Dockerfile"),
    repository=ImageReference(repository="shop/web"),
    port=5000,
    host_port=5000,
    checks=(Check(),),
    base_images=(),
    environment={},
    memory=64 * 1024 * 1024,
    smoke_timeout=5,
)
RUNNING = ContainerInspection(state="running", read_only=True, writable=("/tmp",), workdir="/app")  # noqa: S108  inside it
ENDED = replace(RUNNING, state="exited", exit_code=1, lived=0.2)


def result(problem: str, *, final: bool = True) -> Result:
    """Return what came of the only check."""
    return Result(check=Check(), problem=problem, final=final)


REFUSED = result("no answer: Connection reset by peer", final=False)


def evidence(inspection: ContainerInspection | None = ENDED, *log: str, **more: Any) -> Evidence:
    """Return the evidence of a container and its log."""
    return Evidence(app=APP, inspection=inspection, log=log, **more)


@pytest.mark.parametrize(
    ("sockets", "cause", "reason"),
    [
        ([("127.0.0.1", 5000)], "bound-to-loopback", "127.0.0.1:5000"),
        ([("::1", 5000)], "bound-to-loopback", "[::1]:5000"),
        ([("127.0.0.1", 5000), ("0.0.0.0", 5000)], "no-answer", "listens and does not answer"),  # noqa: S104
        ([("0.0.0.0", 8000)], "wrong-port", "port 8000"),  # noqa: S104
        ([("127.0.0.1", 8000)], "wrong-port", "port 8000"),
        ([], "slow-start", "listens on no port yet"),
    ],
)
def test_what_listens(sockets: list[tuple[str, int]], cause: str, reason: str) -> None:
    """Where an app listens that never answered names its cause, whatever its log says."""
    found = tuple(Socket(address=address, port=port) for address, port in sockets)
    seen = replace(RUNNING, sockets=found)

    cause_found = diagnose(evidence(seen, "under way", results=(REFUSED,)))

    assert cause_found.name == cause
    assert reason in cause_found.reason


def test_both_ways_out_of_a_wrong_port() -> None:
    """An app on the wrong port of loopback must mend both."""
    seen = replace(RUNNING, sockets=(Socket(address="127.0.0.1", port=8000),))

    hint = diagnose(evidence(seen, results=(REFUSED,))).hint

    assert "port: 8000" in hint
    assert "$PORT and on 0.0.0.0" in hint


@pytest.mark.parametrize(
    "seen", [replace(ENDED, oom_killed=True), replace(ENDED, exit_code=137)], ids=["flag", "exit code"]
)
def test_memory_comes_first(seen: ContainerInspection) -> None:
    """A kill for memory explains whatever the log says."""
    found = diagnose(evidence(seen, TRACEBACK, "ValueError: cut off"))

    assert (found.name, "64 MiB" in found.reason) == ("out-of-memory", True)
    assert found.hint.startswith("memory: 128m under apps.web")


def test_a_foreign_image() -> None:
    """An image for another platform that ends at once is told with both platforms."""
    found = diagnose(evidence(image_platform="linux/arm64", engine_platform="linux/amd64"))

    assert found.name == "wrong-architecture"
    assert "linux/arm64" in found.reason
    assert found.hint == "invoke build --platform linux/amd64 smoke"


def test_what_the_log_says_does_not_count_against_an_answer() -> None:
    """An app that answers, wrongly, is not told of an import that it got over."""
    wrong = result("status 404, expected 200")
    log = "ModuleNotFoundError: No module named 'ujson'"

    found = diagnose(evidence(RUNNING, log, results=(wrong,)))

    assert found.name == "wrong-answer"
    assert "status 404" in found.reason


@pytest.mark.parametrize(
    ("title", "text", "cause"),
    [
        ("Welcome to nginx!", "", "wrong-app"),
        ("Directory listing for /", "", "wrong-app"),
        ("Apache2 Debian Default Page", "", "wrong-app"),
        ("", "<html><body><h1>It works!</h1></body></html>\n", "wrong-app"),
        ("", "<html><body><h1>It works!</h1><p>So does the app</p></body></html>", "wrong-answer"),
        ("Charts", "It works! Welcome to nginx, AirPlay, X-Jenkins, Directory listing for sailors", "wrong-answer"),
        ("How to replace: Welcome to nginx!", "", "wrong-answer"),
        ("Welcome to nginx and other harbours", "", "wrong-answer"),
    ],
)
def test_strangers(title: str, text: str, cause: str) -> None:
    """Well-known servers' own pages are known by their titles, and not by words in a page of the app's."""
    wrong = result("the body does not contain 'hello'")

    found = diagnose(evidence(RUNNING, results=(wrong,), page=Page(status=200, title=title, text=text)))

    assert found.name == cause
    assert title in found.reason


@pytest.mark.parametrize(
    ("problem", "final", "reason"),
    [
        ("no answer: no complete answer within 0.5 s", True, "listens and does not answer"),
        ("no answer: no HTTP answer (BadStatusLine)", False, "answers no HTTP"),
    ],
)
def test_no_answer_of_http(problem: str, reason: str, *, final: bool) -> None:
    """An answer that does not come in a check's time, or in other words than HTTP's, is none."""
    seen = replace(RUNNING, sockets=(Socket(address="0.0.0.0", port=5000),))  # noqa: S104

    found = diagnose(evidence(seen, results=(result(problem, final=final),)))

    assert (found.name, reason in found.reason) == ("no-answer", True)


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        ("no answer: Connection refused", "no-answer"),
        ("status 503, expected 200", "server-error"),
        ("status 200, expected 503", "wrong-answer"),
        ("expected version 2, got '1'", "wrong-version"),
        ("the body does not contain 'hello'", "wrong-answer"),
    ],
)
def test_what_is_deployed(problem: str, cause: str) -> None:
    """Where there is no container to look at, the answer alone names the cause."""
    assert deployed_cause(problem) == cause


def test_the_engines_words_count() -> None:
    """A start that the engine refused is told by its words."""
    words = 'OCI runtime create failed: exec: "server": executable file not found in $PATH: unknown'

    found = diagnose(evidence(replace(ENDED, state="created"), words=words))

    assert found.name == "command-not-found"


def test_somebody_removed_it() -> None:
    """A container that is gone is told as that, when its start finds so as well."""
    assert diagnose(evidence(None)).name == "container-removed"
    assert diagnose(evidence(None, words="No such container: web")).name == "container-removed"
    assert diagnose(evidence(replace(ENDED, state="removing", exit_code=137))).name == "container-removed"


def test_a_folder_with_the_apps_files_is_not_laid_over() -> None:
    """A tmpfs over the app's own folder would hide the app: it is not proposed."""
    found = diagnose(evidence(ENDED, "OSError: [Errno 30] Read-only file system: 'visits.db'"))

    assert "/app/visits.db" in found.reason
    assert "tmpfs: [" not in found.hint


def test_the_evidence_in_lines() -> None:
    """People see the timeline with equal tries folded, the state, the health checks and the log's end."""
    attempts = (
        Attempt(at=0.01, words="no answer: refused", count=12),
        Attempt(at=1.5, words="status 500, expected 200"),
    )
    result = Result(check=Check(), problem="status 500, expected 200", final=False, attempts=attempts)
    seen = replace(ENDED, health="unhealthy", health_log=(Health(exit_code=1, output="no"),))

    lines = describe(evidence(seen, *(f"line {number}" for number in range(30)), results=(result,)))

    assert "GET /: no answer: refused (12 times)" in lines[0]
    assert "its process ended 0.200 s after its start, with exit code 1" in lines[2]
    assert "state exited; exit code 1; health unhealthy; writable: /tmp" in lines[3]
    assert lines[4] == "health check: exit code 1: no"
    assert lines[5:7] == ("log:", "line 10")
    assert len(lines) == 26
