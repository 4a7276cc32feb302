"""What people and programs read: lines, recap, JSON."""

from __future__ import annotations

import json
import re

import pytest

from lading.console import Console
from lading.engine import EngineInfo
from lading.errors import StepFailed
from lading.events import BuildEvent, BuildEventKind, Caution, Note
from lading.pipeline import Published, Report
from lading.report import as_json
from lading.step import Outcome, Status

ERROR = StepFailed("it broke", why="a \x1b[31mred\x1b[0m word " + "and more " * 20, mend="invoke build", details=("x",))
OUTCOMES = (
    Outcome(step="build", app="web", status=Status.CHANGED, reason="changed: app.py", seconds=1.26, after="sha256:b"),
    Outcome(step="smoke", app="web", status=Status.OK, reason="it passed"),
    Outcome(step="tag", app="web", status=Status.FAILED, reason="it broke", error=ERROR),
    Outcome(step="push", app="web", status=Status.SKIPPED, reason="tag failed"),
)
REPORT = Report(
    command="release",
    check=False,
    outcomes=OUTCOMES,
    engine=EngineInfo(endpoint="unix:///x.sock", version="28.5.2", api="1.51"),
    image_id="sha256:b",
    builder="BuildKit",
    published=(Published(reference="docker.io/me/app:1", digest="sha256:c"),),
)


def _shown(capsys: pytest.CaptureFixture[str], *, plain: bool = False) -> str:
    console = Console(errors=False, command="./inv", plain=plain)
    console.tell(Note(text="a note"))
    console.tell(Caution(text="a caution"))
    console.tell(BuildEvent(kind=BuildEventKind.DONE, name="[1/2] FROM x", seconds=2.0))
    for outcome in OUTCOMES:
        console.ended(outcome)
    console.recap(REPORT)
    return capsys.readouterr().out


def test_every_status_and_fact(capsys: pytest.CaptureFixture[str]) -> None:
    """Each step has a line, a failure three parts with the command as people typed it, the recap all sums."""
    out = _shown(capsys)
    assert "changed build    changed: app.py (1.3 s)\n" in out
    assert "ok      smoke    it passed\n" in out
    assert "failed  tag      it broke\n" in out
    assert "skipped push     tag failed\n" in out
    assert "| x\n" in out
    assert "why:  a red word" in out
    assert "next: ./inv build\n" in out
    assert "warning: a caution" in out
    assert "done   [1/2] FROM x 2.0 s" in out
    assert "ok=1  changed=1  skipped=1  failed=1" in out
    assert "Docker 28.5.2 at unix:///x.sock" in out
    assert "docker.io/me/app:1\n" in out
    assert "sha256:c\n" in out
    assert "builder BuildKit\n" in out


def test_no_colours_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody looks at a terminal there are no escapes, and no line is broken."""
    out = _shown(capsys)
    assert "\x1b" not in out
    assert any(len(line) > 150 for line in out.splitlines())


def test_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there are colours, and nothing but an id is wider than it."""
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "80", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    out = _shown(capsys)
    assert "\x1b[" in out
    assert "└── done   1/2 FROM x" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = _shown(capsys, plain=True)
    assert "\x1b[3" not in plain
    assert "done   [1/2] FROM x 2.0 s" in plain
    assert max(len(line) for line in plain.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()) <= 80


def test_json() -> None:
    """The document holds everything the recap does, and the error in its three parts."""
    document = json.loads(as_json(REPORT, command="lading"))
    assert document["exit_code"] == 1
    assert document["status"] == "failed"
    assert document["engine"] == {"endpoint": "unix:///x.sock", "version": "28.5.2"}
    assert document["image"]["builder"] == "BuildKit"
    assert document["image"]["references"] == [{"reference": "docker.io/me/app:1", "digest": "sha256:c"}]
    assert [step["status"] for step in document["steps"]] == ["changed", "ok", "failed", "skipped"]
    error = document["steps"][2]["error"]
    assert set(error) == {"what", "why", "next", "details"}
    assert error["next"] == "lading build"
    assert "\x1b" not in error["why"]
