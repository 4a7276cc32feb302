"""How several apps that are worked on at once are shown and reported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest

from seatrial.errors import StepFailed
from seatrial.events import BytesSent, Info
from seatrial.output.apps_console import AppsConsole
from seatrial.output.ci.results import results
from seatrial.output.console import Console
from seatrial.output.hints import Call
from seatrial.output.json_report import command_document
from seatrial.output.junit import as_junit
from seatrial.output.page.page import Page
from seatrial.output.recap import recap_table
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.report import Report, joined, of_apps
from tests.pipeline.test_pipeline import FakeStep

CALL = Call(task="build", tasks={"build": {"--app": True}})
ERROR = StepFailed("it broke", reason="it did", hint="invoke build")


def _outcome(app: str, step: str, status: Status, error: StepFailed | None = None) -> Outcome:
    return Outcome(step=step, app=app, status=status, message=f"{app} {status}", error=error)


def _report() -> Report:
    outcomes = {
        "web": [_outcome("web", "build", Status.CHANGED), _outcome("web", "push", Status.OK)],
        "api": [_outcome("api", "build", Status.FAILED, ERROR), _outcome("api", "push", Status.SKIPPED)],
        "top": [_outcome("top", "build", Status.SKIPPED), _outcome("top", "push", Status.SKIPPED)],
    }
    reports = [Report(command="build", check=False, outcomes=tuple(one)) for one in outcomes.values()]
    return of_apps(reports, command="build", check=False, seconds=1)


@dataclass(kw_only=True)
class _Step(FakeStep):
    of: str

    @property
    def app(self) -> str:
        """The app's name."""
        return self.of


def test_lines_of_a_step_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    """What a step says stands together, however the apps take turns; transfers need no lines of their own."""
    shared = AppsConsole(Console(errors=False, apps=["web", "api"]))
    observers = {name: shared.observer() for name in ("web", "api")}
    for name, one in observers.items():
        one.step_started(_Step(name="build", of=name))
    for number in range(3):
        for name, one in observers.items():
            one.on_event(Info(text=f"{name} {number}"))
            one.on_event(BytesSent(bytes=1))
    for name, one in reversed(observers.items()):
        one.step_finished(_outcome(name, "build", Status.CHANGED))

    lines = [re.sub(" +", " ", line.strip()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        line
        for name in ("api", "web")
        for line in (
            f"{name} build …",
            *(f"{name} {number}" for number in range(3)),
            f"changed {name} build {name} changed",
        )
    ]


@dataclass(kw_only=True)
class _Hook(_Step):
    writes = True


def test_a_hook_has_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """While a hook runs, other apps go on, and what they say is shown when it ends."""
    shared = AppsConsole(Console(errors=False, apps=["web", "api"]))
    web, api = shared.observer(), shared.observer()
    web.step_started(_Hook(name="hook", of="web"))
    api.step_started(_Step(name="build", of="api"))
    api.step_finished(_outcome("api", "build", Status.CHANGED))
    shared.error(ERROR, "api")
    print("from the hook")  # noqa: T201  as a hook does
    web.step_finished(_outcome("web", "hook", Status.CHANGED))

    lines = [re.sub(" +", " ", line.strip()) for line in capsys.readouterr().out.splitlines()]
    ended = ["changed web hook web changed", "changed api build api changed"]
    assert lines[:4] == ["web hook …", "from the hook", *ended]
    assert lines[4].endswith("it broke")


def test_the_table_of_apps_and_steps(capsys: pytest.CaptureFixture[str]) -> None:
    """The recap has a row for each app and a column for each step."""
    Console(errors=False, apps=["web", "api", "top"]).recap(_report())
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    assert lines[1:5] == [
        ["app", "build", "push"],
        ["web", "changed", "ok"],
        ["api", "failed", "skipped"],
        ["top", "skipped", "skipped"],
    ]
    assert lines[5][:4] == ["ok=1", "changed=1", "skipped=3", "failed=1"]


def test_a_table_that_is_too_wide() -> None:
    """On a narrow terminal the names of apps lose their middle, and each row still has one line."""
    outcomes = [_outcome(f"{'long-' * 12}{number}", "build", Status.SKIPPED) for number in range(2)]
    reports = [Report(command="build", check=False, outcomes=(one,)) for one in outcomes]
    header, *rows = recap_table(of_apps(reports, command="build", check=False, seconds=1), width=40)
    assert (header, [len("  ".join(row)) for row in rows]) == (("app", "build"), [40, 40])
    assert [row[0][-2:] for row in rows] == ["-0", "-1"]


def test_documents_of_several_apps() -> None:
    """JSON, JUnit, page and outputs have every app; a hint names the app that it is about."""
    report = _report()
    document = command_document(report, CALL)

    assert [(one.app, one.exit_code, len(one.steps)) for one in document.apps or ()] == [
        ("web", 0, 2),
        ("api", 1, 2),
        ("top", 0, 2),
    ]
    assert (document.exit_code, document.app or None, len(document.steps)) == (1, None, 6)
    failed = document.steps[2].error
    assert failed
    assert failed.hint == "invoke build --app api"
    assert results(document) == {}
    html = Page(document=document, apps=[Page(document=one) for one in document.apps or ()]).html()
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)
    assert html.count("it broke") == 1
    assert ET.fromstring(as_junit(report, CALL)) is not None  # noqa: S314  our own


def test_a_chain_of_several_apps() -> None:
    """A chain's report has one report for each app, with the steps of all its tasks."""
    report = joined([_report(), _report()], command="build build", not_started=(), error=None)
    assert [(one.app, len(one.outcomes)) for one in report.apps] == [("web", 4), ("api", 4), ("top", 4)]
