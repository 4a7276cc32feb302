"""The report for people and programs: lines, recap, JSON."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from msgspec.structs import replace

from seatrial.engine.model import EngineInfo, Image
from seatrial.errors import StepFailed
from seatrial.events import (
    BuildEvent,
    BuildEventKind,
    BytesSent,
    Event,
    FactResult,
    Info,
    Retry,
    TagPublished,
    Transfer,
    WarningEvent,
)
from seatrial.model.app import BUILDER_LABEL
from seatrial.output.console import Console
from seatrial.output.detail import Detail
from seatrial.output.hints import Call
from seatrial.pipeline.outcome import Difference, Outcome, Results, Status
from seatrial.pipeline.report import Report
from tests.pipeline.test_pipeline import FakeStep

ERROR = StepFailed(
    "it broke", reason="a \x1b[31mred\x1b[0m word " + "and more " * 20, hint="invoke build", details=("x",)
)
OUTCOMES = (
    Outcome(
        step="build", app="web", status=Status.CHANGED, message="changed: \x1b[2Japp.py", seconds=1.26, after="sha256:b"
    ),
    Outcome(
        step="smoke",
        app="web",
        status=Status.OK,
        message="it passed",
        results=Results(
            image=Image(id="sha256:b", tags=("me/app:1",), size=133_000_000, labels={BUILDER_LABEL: "BuildKit"}),
            published=(TagPublished(reference="docker.io/me/app:1", digest="sha256:c"),),
        ),
    ),
    Outcome(step="tag", app="web", status=Status.FAILED, message="it broke", error=ERROR),
    Outcome(step="push", app="web", status=Status.SKIPPED, message="tag failed"),
)
REPORT = Report(
    command="release",
    check=False,
    outcomes=OUTCOMES,
    engine=EngineInfo(endpoint="unix:///x.sock", version="28.5.2", api="1.51"),
)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns with colours."""
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)


def _shown(capsys: pytest.CaptureFixture[str], *, plain: bool = False) -> str:
    console = Console(errors=False, call=Call(program="./inv"), plain=plain)
    console.on_event(Info(text="a note"))
    console.on_event(WarningEvent(text="a warning"))
    console.on_event(FactResult(check="a good check", problem=None))
    console.on_event(FactResult(check="a bad check", problem="not so", fails=False))
    console.on_event(FactResult(check="a fatal check", problem="not so"))
    console.on_event(BuildEvent(kind=BuildEventKind.DONE, name="[1/2] FROM x", seconds=2.0))
    for outcome in OUTCOMES:
        console.step_finished(outcome)
    console.recap(REPORT)
    return capsys.readouterr().out


def test_every_status_and_image_check(capsys: pytest.CaptureFixture[str]) -> None:
    """Each step has a line; a failure has message, reason and hint; the recap counts all statuses."""
    out = _shown(capsys)
    assert "changed build     changed: app.py (1.3 s)\n" in out
    assert "ok      smoke     it passed\n" in out
    assert "failed  tag       it broke\n" in out
    assert "skipped push      tag failed\n" in out
    assert "| x\n" in out
    assert "why:  a red word" in out
    assert "next: ./inv build\n" in out
    assert "warning: a warning" in out
    assert "warning: a bad check: not so\n" in out
    assert "good check" not in out
    assert "fatal check" not in out  # the error contains it
    assert "done   [1/2] FROM x 2.0 s" in out
    assert "ok=1  changed=1  skipped=1  failed=1" in out
    assert "Docker 28.5.2 at unix:///x.sock" in out
    assert "docker.io/me/app:1\n" in out
    assert "sha256:c\n" in out
    rows = [line.split(maxsplit=1) for line in out.partition("RECAP")[2].splitlines()]
    assert ["builder", "BuildKit"] in rows
    assert rows[rows.index(["image", "me/app:1, 133 MB"]) + 1] == ["sha256:b"]


def test_details_are_below_their_step(capsys: pytest.CaptureFixture[str]) -> None:
    """The name of a step is printed once, above its first detail; a step without details is one line."""
    console = Console(errors=False)
    for outcome, details in ((OUTCOMES[0], ["first", "second"]), (OUTCOMES[1], [])):
        console.step_started(FakeStep(name=outcome.step))
        for detail in details:
            console.on_event(Info(text=detail))
        console.step_finished(outcome)

    first_words = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert first_words == ["build", "first", "second", "changed", "ok"]


def test_an_error_of_the_command_counts_as_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the whole command is one failure in the recap."""
    skipped = Outcome(step="push", app="web", status=Status.SKIPPED, message="the lock is not free")
    console = Console(errors=False)

    console.recap(Report(command="push", check=False, outcomes=(skipped,), error=ERROR, seconds=0.5))

    assert "ok=0  changed=0  skipped=1  failed=1  in 0.5 s" in capsys.readouterr().out


def _steps(console: Console) -> None:
    for event in (Info(text="a note"), BuildEvent(kind=BuildEventKind.LOG, name="[1/2] RUN x", text="  a line")):
        console.on_event(event)
    for outcome in OUTCOMES:
        console.step_finished(outcome)
    console.recap(REPORT)


def test_less(capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet there are only failures and the recap."""
    _steps(Console(errors=False, detail=Detail.QUIET))
    steps, _, recap = capsys.readouterr().out.partition("\nRECAP")
    assert [line.split()[0] for line in steps.splitlines()] == ["failed", "|", "why:", "next:"]
    assert "ok=1  changed=1  skipped=1  failed=1" in recap


def test_more(capsys: pytest.CaptureFixture[str]) -> None:
    """With --verbose there are the lines of the build, with their indentation."""
    _steps(Console(errors=False, detail=Detail.VERBOSE))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == ["a note", "#1 [1/2] RUN x", "#1   a line"]


def test_what_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """With --diff a step's outcome comes with what it changes, before and after; without, it does not."""
    found = tuple(Difference(name=f"file{number}\x1b[2J", before=None, after="b") for number in range(42))
    outcome = replace(OUTCOMES[0], diff=(Difference(name="latest", before="1", after="2"), *found))
    for diff in (True, False):
        Console(errors=False, diff=diff).step_finished(outcome)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == ["latest: 1 → 2", "file0: (none) → b"]
    assert [line.split()[0] for line in lines[-3:]] == ["and", "changed", "changed"]
    assert len(lines) == 40 + 3


def test_no_colours_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe there are no escape sequences, and no line is wrapped."""
    out = _shown(capsys)
    assert "\x1b" not in out
    assert any(len(line) > 150 for line in out.splitlines())


@pytest.mark.usefixtures("terminal")
def test_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there are colours, except with NO_COLOR, and no line is wider than the terminal."""
    out = _shown(capsys)
    assert "\x1b[" in out
    assert "└── done   1/2 FROM x" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = _shown(capsys, plain=True)
    assert "\x1b[3" not in plain
    assert "done   [1/2] FROM x 2.0 s" in plain
    assert max(len(line) for line in plain.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()) <= 80


PUSH: tuple[Event, ...] = (
    Transfer(layer="5e8a418bab45", current=0, text="Preparing"),
    Transfer(layer="b1d74c3f2ab9", current=0, text="Layer already exists"),
    Transfer(layer="5e8a418bab45", current=529_920, total=127_294_883, text="Pushing"),
    *(Transfer(layer="5e8a418bab45", current=0, text=f"Retrying in {seconds} seconds") for seconds in (5, 4, 3, 2)),
    Transfer(layer="5e8a418bab45", current=0, text="Pushed"),
    BytesSent(bytes=45_600_000),
    Retry(text="the registry answered 503", attempt=2, attempts=3, seconds=1.043),
)
PUSHED = Outcome(step="push", app="web", status=Status.CHANGED, message="pushed :1", seconds=3.0)
SUMMARY = "1 layer sent (45.6 MB), 1 already there"


def _push(console: Console) -> None:
    for event in PUSH:
        console.on_event(event)
    console.step_finished(PUSHED)
    console.step_finished(PUSHED)


def test_a_push_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A log has each retry with its reason and one summary of the push, without a line for each layer."""
    _push(Console(errors=False))
    out = capsys.readouterr().out
    assert [line.strip() for line in out.splitlines()] == [
        "layer 5e8a418bab45: Retrying in 5 seconds",
        "try 2 of 3 in 1 s: the registry answered 503",
        SUMMARY,
        *["changed push      pushed :1 (3.0 s)"] * 2,
    ]


@pytest.mark.usefixtures("terminal")
def test_a_push_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal the bars are drawn and erased; the lines stay."""
    _push(Console(errors=False))
    out = capsys.readouterr().out
    assert "5e8a418bab45 " in out
    assert "\x1b[1A\x1b[2K" in out
    left = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out[out.rindex("\x1b[1A\x1b[2K") :]).split("\n")
    assert [line.strip() for line in left] == [SUMMARY, *["changed push      pushed :1 (3.0 s)"] * 2, ""]
    assert "try 2 of 3 in 1 s: the registry answered 503" in out
    assert "layer 5e8a418bab45:" not in out


def test_no_rich_in_a_pipe() -> None:
    """In a pipe Rich is not imported."""
    words = (
        "import sys; from seatrial.output.console import Console; from seatrial.events import Transfer;"
        "c = Console(errors=False);"
        "c.on_event(Transfer(layer='a', current=1, total=2, text='Pushing')); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
