"""What was checked becomes JUnit XML: as CI systems read it, whatever the app wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed, StepFailed, UsageError
from seatrial.events import AppLog, CheckResult, Event, FactResult, Info, WarningEvent
from seatrial.output.junit import JUnitFile
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.report import Report

# Ant's schema, which is the strict one: attributes that must be there, and children in their order.
ATTRIBUTES = {
    "testsuites": set(),
    "testsuite": {"id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"},
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
}
ORDER = {
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "testcase": ["failure", "error"],
    "testsuites": ["testsuite"],
    "properties": ["property"],
}
OPTIONAL = {"testsuite": {"skipped"}}


EMPTY = Report(command="smoke", check=False)


def suite_of(folder: Path, *events: Event, error: SeatrialError | None = None) -> ET.Element:
    """Return the testsuite of a step with these events, read back from the file."""
    outcome = Outcome(
        step="smoke",
        app="web",
        status=Status.FAILED if error else Status.CHANGED,
        message="1 check",
        seconds=1.5,
        error=error,
        began=datetime.now(UTC),
        checks=tuple(one for one in events if isinstance(one, CheckResult)),
        warnings=tuple(
            str(one) if isinstance(one, CheckResult) else one.text
            for one in events
            if isinstance(one, WarningEvent) or (isinstance(one, CheckResult) and one.warns)
        ),
        log=tuple(line for one in events if isinstance(one, AppLog) for line in one.lines),
    )
    JUnitFile(str(folder / "smoke.xml")).write(Report(command="smoke", check=False, outcomes=(outcome,)))
    root = ET.parse(folder / "smoke.xml").getroot()  # noqa: S314  our own file
    valid(root)
    (suite,) = root
    return suite


def valid(element: ET.Element) -> None:
    """Hold an element against the schema."""
    wanted, extra = ATTRIBUTES.get(element.tag, set()), OPTIONAL.get(element.tag, set())
    assert wanted <= set(element.attrib) <= wanted | extra, element.tag
    order = ORDER.get(element.tag, [])
    places = [order.index(child.tag) for child in element]
    assert places == sorted(places), element.tag
    for child in element:
        valid(child)


def test_all_passed(tmp_path: Path) -> None:
    """Every check is a testcase with its time, and what the app wrote is there."""
    suite = suite_of(
        tmp_path,
        CheckResult(check="GET /", problem=None, seconds=0.0123),
        CheckResult(check="POST /x", problem=None, seconds=2),
        Info(text="something else"),
        FactResult(check="image fact user (CIS)", problem=None),
        CheckResult(check="GET /", problem=None, seconds=0),
        AppLog(lines=("one", "<two> & ]]>")),
    )
    assert (suite.get("name"), suite.get("time")) == ("smoke web", "1.500")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "0", "0")
    cases = [(case.get("classname"), case.get("name"), case.get("time")) for case in suite.iter("testcase")]
    assert cases == [
        ("web.smoke", "GET /", "0.012"),
        ("web.smoke", "POST /x", "2.000"),
        ("web.smoke", "image fact user (CIS)", "0.000"),
        ("web.smoke", "GET / (2)", "0.000"),  # else CI systems would take it for the first
    ]
    assert suite.findtext("system-out") == "one\n<two> & ]]>"


def test_a_failure(tmp_path: Path) -> None:
    """A check that failed says what was wrong, with the timeline of what came."""
    timeline = ("0.1 s refused", "0.2 s status 500")
    suite = suite_of(
        tmp_path,
        CheckResult(check="GET /", problem=None, seconds=0),
        CheckResult(check="GET /b", problem='it is "wrong" & <late>', seconds=0, timeline=timeline),
        error=SmokeFailed("web failed", reason="GET /b: wrong", hint="mend it"),
    )
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    (failure,) = suite.iter("failure")
    assert (failure.get("message"), failure.get("type")) == ('it is "wrong" & <late>', "SmokeFailed")
    assert (failure.text or "").splitlines()[1:3] == list(timeline)
    assert "next: mend it" in (failure.text or "")


def test_a_fact_that_does_not_hold(tmp_path: Path) -> None:
    """What only warns is no failure and stands beside the testcases; what fails the step is one."""
    bad = FactResult(check="image fact user (CIS)", problem="it runs as root; mend it")
    error = SmokeFailed("1 of 9 facts of the image does not hold", reason="user", hint="mend the Dockerfile")

    warned = suite_of(tmp_path / "warned", replace(bad, fails=False), WarningEvent(text="an old engine"))
    failed = suite_of(tmp_path / "failed", CheckResult(check="GET /", problem=None), bad, error=error)

    assert (warned.get("tests"), warned.get("failures"), warned.get("errors")) == ("1", "0", "0")
    assert warned.findtext("system-err") == f"{bad}\nan old engine"
    assert (failed.get("tests"), failed.get("failures"), failed.get("errors")) == ("2", "1", "0")
    assert (failed.findtext("testcase/failure") or "").splitlines()[-1] == "next: mend the Dockerfile"
    assert failed.findtext("system-err") == ""


def test_answers_that_may_be_somebody_elses(tmp_path: Path) -> None:
    """A smoke test that failed though every check passed is a failure, not an error, and says what to do."""
    error = SmokeFailed("the answers may not be web's", reason="port 1 was asked", hint="run it again")
    suite = suite_of(tmp_path, CheckResult(check="GET /", problem=None), error=error)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert (suite.findtext("testcase/failure") or "").splitlines()[-1] == "next: run it again"


def test_a_container_that_died(tmp_path: Path) -> None:
    """When the app died the check that was being put says so."""
    died = ContainerFailed("web died at start", reason="exit code 3", hint="mend it")
    suite = suite_of(tmp_path, CheckResult(check="GET /", problem="no answer", seconds=0), error=died)
    (failure,) = suite.iter("failure")
    assert (failure.get("message"), failure.get("type")) == ("web died at start: no answer", "ContainerFailed")


def test_a_step_that_failed_by_itself(tmp_path: Path) -> None:
    """A failure that is no check's is an error of the step's own, so that nothing looks green."""
    checked = CheckResult(check="GET /", problem=None, seconds=0.5)
    suite = suite_of(
        tmp_path, checked, error=StepFailed("no image", reason="none", hint="invoke build", details=("a",))
    )
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "1")
    (error,) = suite.iter("error")
    assert (error.get("message"), error.get("type"), error.text) == (
        "no image: none",
        "StepFailed",
        "no image\na\nwhy:  none\nnext: invoke build",
    )


def test_whatever_the_app_wrote(tmp_path: Path) -> None:
    """What XML cannot hold is left out: control characters, half characters, colours of a terminal."""
    wild = "".join(map(chr, [*range(32), 0x7F, 0x85, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1F6A2])) + "\x1b[31mred\x1b[0m"
    suite = suite_of(tmp_path, CheckResult(check=wild, problem=wild, seconds=0), AppLog(lines=(wild,)))
    assert (suite.findtext("system-out") or "").endswith("\U0001f6a2red")


def test_the_file_is_replaced_at_once(tmp_path: Path) -> None:
    """An older file goes only when the new one is whole, and nothing else is left."""
    (tmp_path / "smoke.xml").write_text("old")
    suite_of(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["smoke.xml"]


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    """The file's folder is made, but not in check mode, where nothing is written."""
    JUnitFile(str(tmp_path / "a" / "smoke.xml"), check=True).write(EMPTY)
    assert not (tmp_path / "a").exists()
    JUnitFile(str(tmp_path / "a" / "smoke.xml")).write(EMPTY)
    assert (tmp_path / "a" / "smoke.xml").exists()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "it is a folder"),
        ("", "names no file"),
        ("/dev/null", "not a regular file"),
        ("~nobody-of-that-name/x.xml", "home directory"),
        ("a\0b", "null"),
    ],
)
def test_what_cannot_be_written(name: str, reason: str, *, check: bool) -> None:
    """A folder, a device and nothing at all are refused at once, in check mode as well."""
    with pytest.raises(UsageError, match=reason):
        JUnitFile(name, check=check)


def test_a_folder_that_goes_meanwhile(tmp_path: Path) -> None:
    """What goes wrong in the end is told in three parts."""
    file = JUnitFile(str(tmp_path / "a" / "smoke.xml"))
    (tmp_path / "a").rmdir()
    with pytest.raises(StepFailed, match="cannot be written"):
        file.write(EMPTY)
