"""The causes that are found from recorded evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from seatrial.checks.http.probe import Attempt, Result
from seatrial.diagnosis.answers import deployed_cause
from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Evidence, Page
from seatrial.diagnosis.timeline import describe
from seatrial.engine.inspection import ContainerInspection, EndedBy, Health, Socket
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
    """Return the result of the only check."""
    return Result(check=Check(), problem=problem, final=final)


REFUSED = result("no answer: Connection reset by peer", final=False)


def evidence(inspection: ContainerInspection | None = ENDED, *log: str, **more: Any) -> Evidence:
    """Return the evidence of a container and its log."""
    return Evidence(app=APP, inspection=inspection, log=log, **more)


@pytest.mark.parametrize(
    ("sockets", "cause", "identity"),
    [
        ([("127.0.0.1", 5000)], "bound-to-loopback", "127.0.0.1:5000"),
        ([("::1", 5000)], "bound-to-loopback", "[::1]:5000"),
        ([("127.0.0.1", 5000), ("0.0.0.0", 5000)], "no-answer", "GET /"),  # noqa: S104
        ([("0.0.0.0", 8000)], "wrong-port", " 8000"),  # noqa: S104
        ([("127.0.0.1", 8000)], "wrong-port", " 8000"),
        ([], "slow-start", "5 s"),
    ],
)
def test_sockets(sockets: list[tuple[str, int]], cause: str, identity: str) -> None:
    """The sockets of an app that never answered show the cause, whatever its log says."""
    found = tuple(Socket(address=address, port=port) for address, port in sockets)
    seen = replace(RUNNING, sockets=found)

    cause_found = diagnose(evidence(seen, "starting", results=(REFUSED,)))

    assert cause_found.name == cause
    assert identity in cause_found.reason


def test_a_wrong_port_on_loopback() -> None:
    """The hint for a wrong port on loopback covers both the port and the address."""
    seen = replace(RUNNING, sockets=(Socket(address="127.0.0.1", port=8000),))

    hint = diagnose(evidence(seen, results=(REFUSED,))).hint

    assert "port: 8000" in hint
    assert "$PORT" in hint
    assert "0.0.0.0" in hint  # noqa: S104


@pytest.mark.parametrize("seen", [replace(ENDED, oom_killed=True), replace(ENDED, exit_code=137, ended_by="memory")])
def test_memory_comes_first(seen: ContainerInspection) -> None:
    """A kill at the memory limit is the cause, whatever the log says."""
    found = diagnose(evidence(seen, TRACEBACK, "ValueError: cut off"))

    assert (found.name, "64 MiB" in found.reason) == ("out-of-memory", True)
    assert found.hint.startswith("memory: 128m under apps.web")


@pytest.mark.parametrize(
    ("ended_by", "name"),
    [("restart", "engine-restarted"), ("request", "killed"), ("itself", "killed"), ("", "killed")],
)
def test_killed_but_not_for_memory(ended_by: EndedBy, name: str) -> None:
    """Exit code 137 alone does not tell memory."""
    found = diagnose(evidence(replace(ENDED, exit_code=137, ended_by=ended_by)))

    assert found.name == name
    assert "MiB" not in found.reason


def test_a_foreign_image() -> None:
    """An image for another platform that ends at once is reported with the platform to build for."""
    found = diagnose(evidence(image_platform="linux/arm64", engine_platform="linux/amd64"))

    assert found.name == "wrong-architecture"
    assert "linux/arm64" in found.reason
    assert found.hint == "invoke build --platform linux/amd64 smoke"


def test_the_log_of_an_app_that_answers() -> None:
    """If an app gives a wrong answer, an import error in its log is not the cause."""
    wrong = result("status 404, expected 200")
    log = "ModuleNotFoundError: No module named 'ujson'"

    found = diagnose(evidence(RUNNING, log, results=(wrong,)))

    assert found.name == "wrong-answer"
    assert "404" in found.reason


@pytest.mark.parametrize(
    ("title", "text", "cause"),
    [
        ("Welcome to nginx!", "", "wrong-app"),
        ("Directory listing for /", "", "wrong-app"),
        ("Apache2 Debian Default Page", "", "wrong-app"),
        ("", "<html><body><h1>It works!</h1></body></html>\n", "wrong-app"),
        ("", "<html><body><h1>It works!</h1><p>So does the app</p></body></html>", "wrong-answer"),
        ("Charts", "It works! Welcome to nginx, AirPlay, X-Jenkins, Directory listing for beginners", "wrong-answer"),
        ("How to replace: Welcome to nginx!", "", "wrong-answer"),
        ("Welcome to nginx and other servers", "", "wrong-answer"),
    ],
)
def test_default_pages(title: str, text: str, cause: str) -> None:
    """Default pages of known servers are recognised by their titles, not by words in a page of the app."""
    wrong = result("the body does not contain 'hello'")

    found = diagnose(evidence(RUNNING, results=(wrong,), page=Page(status=200, title=title, text=text)))

    assert found.name == cause
    assert title in found.reason


@pytest.mark.parametrize(
    ("problem", "final", "hint"),
    [
        ("no answer: no complete answer within 0.5 s", True, ""),
        ("no answer: no HTTP answer (BadStatusLine)", False, "HTTP on port 5000"),
    ],
)
def test_no_http_response(problem: str, hint: str, *, final: bool) -> None:
    """An answer that is too late, or that is not HTTP, counts as no answer."""
    seen = replace(RUNNING, sockets=(Socket(address="0.0.0.0", port=5000),))  # noqa: S104

    found = diagnose(evidence(seen, results=(result(problem, final=final),)))

    assert (found.name, hint in found.hint) == ("no-answer", True)


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
    """The cause of a problem with a deployed app is found from its answer alone."""
    assert deployed_cause(problem) == cause


def test_the_engines_message() -> None:
    """The engine's message about a failed start shows the cause."""
    words = 'OCI runtime create failed: exec: "server": executable file not found in $PATH: unknown'

    found = diagnose(evidence(replace(ENDED, state="created"), words=words))

    assert found.name == "command-not-found"


def test_somebody_removed_it() -> None:
    """A removed container is recognised, also when its start fails because of that."""
    assert diagnose(evidence(None)).name == "container-removed"
    assert diagnose(evidence(None, words="No such container: web")).name == "container-removed"
    assert diagnose(evidence(replace(ENDED, state="removing", exit_code=137))).name == "container-removed"


def test_no_tmpfs_over_the_apps_files() -> None:
    """A tmpfs over the app's own folder would hide the app: the hint does not suggest it."""
    found = diagnose(evidence(ENDED, "OSError: [Errno 30] Read-only file system: 'visits.db'"))

    assert "/app/visits.db" in found.reason
    assert "tmpfs: [" not in found.hint


def test_the_evidence_in_lines() -> None:
    """The details are the timeline with equal attempts as one, the state, the health checks and the end of the log."""
    attempts = (
        Attempt(at=0.01, words="no answer: refused", count=12),
        Attempt(at=1.5, words="status 500, expected 200"),
    )
    result = Result(check=Check(), problem="status 500, expected 200", final=False, attempts=attempts)
    seen = replace(ENDED, health="unhealthy", health_log=(Health(exit_code=1, output="no"),))

    lines = describe(evidence(seen, *(f"line {number}" for number in range(30)), results=(result,)))

    assert [part in lines[0] for part in ("GET /", "refused", "12")] == [True] * 3
    assert "0.200 s" in lines[2]
    assert [part in lines[3] for part in ("exited", "exit code 1", "unhealthy", "/tmp")] == [True] * 4  # noqa: S108
    assert lines[4].endswith(": no")
    assert lines[5:7] == ("log:", "line 10")
    assert len(lines) == 26
