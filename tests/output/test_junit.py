"""The checks as JUnit XML that CI systems can read, whatever the app wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from seatrial.errors import ContainerFailed, SeatrialError, SmokeFailed, StepFailed
from seatrial.events import AppLog, CheckResult, Event, FactResult, Info, WarningEvent
from seatrial.output.junit import as_junit
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.report import Report

# Ant's schema, the strictest one: attributes, and the order of children.
SUITE = {"id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"}
CASE = {"classname", "name", "time"}
SCHEMA: dict[str, tuple[set[str], list[str]]] = {
    "testsuites": (set(), ["testsuite"]),
    "testsuite": (SUITE, ["properties", "testcase", "system-out", "system-err"]),
    "properties": (set(), ["property"]),
    "property": ({"name", "value"}, []),
    "testcase": (CASE, ["failure", "error"]),
    **dict.fromkeys(("failure", "error"), ({"message", "type"}, [])),
    **dict.fromkeys(("system-out", "system-err"), (set[str](), list[str]())),
}


def counts(suite: ET.Element) -> tuple[str | None, ...]:
    """Return the numbers of testcases, failures and errors."""
    return suite.get("tests"), suite.get("failures"), suite.get("errors")


def suite_of(*events: Event, error: SeatrialError | None = None) -> ET.Element:
    """Return the testsuite of a step with these events."""
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
    root = ET.fromstring(as_junit(Report(command="smoke", check=False, outcomes=(outcome,))))  # noqa: S314  our own
    assert_valid(root)
    (suite,) = root
    return suite


def assert_valid(element: ET.Element) -> None:
    """Check an element and its children against the schema."""
    attributes, order = SCHEMA[element.tag]
    assert set(element.attrib) - {"skipped"} == attributes, element.tag
    places = [order.index(child.tag) for child in element]
    assert places == sorted(places), element.tag
    for child in element:
        assert_valid(child)


def test_all_passed() -> None:
    """Every check is a testcase with its time, and the app's log is included."""
    suite = suite_of(
        CheckResult(check="GET /", problem=None, seconds=0.0123),
        CheckResult(check="POST /x", problem=None, seconds=2),
        Info(text="something else"),
        FactResult(check="image check user (CIS)", problem=None),
        CheckResult(check="GET /", problem=None, seconds=0),
        AppLog(lines=("one", "<two> & ]]>")),
    )
    assert (suite.get("name"), suite.get("time")) == ("smoke web", "1.500")
    assert counts(suite) == ("4", "0", "0")
    cases = [(case.get("classname"), case.get("name"), case.get("time")) for case in suite.iter("testcase")]
    assert cases == [
        ("web.smoke", "GET /", "0.012"),
        ("web.smoke", "POST /x", "2.000"),
        ("web.smoke", "image check user (CIS)", "0.000"),
        ("web.smoke", "GET / (2)", "0.000"),  # CI systems tell testcases apart by name
    ]
    assert suite.findtext("system-out") == "one\n<two> & ]]>"


def test_a_failure() -> None:
    """A failed check has its problem and the timeline of answers."""
    timeline = ("0.1 s refused", "0.2 s status 500")
    suite = suite_of(
        CheckResult(check="GET /", problem=None, seconds=0),
        CheckResult(check="GET /b", problem='it is "wrong" & <late>', seconds=0, timeline=timeline),
        error=SmokeFailed("web failed", reason="GET /b: wrong", hint="fix it"),
    )
    assert counts(suite) == ("2", "1", "0")
    (failure,) = suite.iter("failure")
    assert (failure.get("message"), failure.get("type")) == ('it is "wrong" & <late>', "SmokeFailed")
    assert (failure.text or "").splitlines()[1:3] == list(timeline)
    assert "next: fix it" in (failure.text or "")


def test_a_failed_image_check() -> None:
    """An image check that only warns goes to system-err; one that fails the step is a failure."""
    bad = FactResult(check="image check user (CIS)", problem="it runs as root")
    error = SmokeFailed("1 of 9 image checks failed", reason="user", hint="fix the Dockerfile")

    warned = suite_of(replace(bad, fails=False), WarningEvent(text="an old engine"))
    failed = suite_of(CheckResult(check="GET /", problem=None), bad, error=error)

    assert counts(warned) == ("1", "0", "0")
    assert warned.findtext("system-err") == f"{bad}\nan old engine"
    assert counts(failed) == ("2", "1", "0")
    assert (failed.findtext("testcase/failure") or "").splitlines()[-1] == "next: fix the Dockerfile"
    assert failed.findtext("system-err") == ""


def test_a_container_that_died() -> None:
    """If the app dies, the running check is the failure, with the error of the container."""
    died = ContainerFailed("web died at start", reason="exit code 3", hint="fix it")
    suite = suite_of(CheckResult(check="GET /", problem="no answer", seconds=0), error=died)
    (failure,) = suite.iter("failure")
    assert (failure.get("message"), failure.get("type")) == ("web died at start: no answer", "ContainerFailed")


def test_an_error_of_the_step() -> None:
    """A failure outside the checks is an error with its own testcase, so the suite is not green."""
    stopped = StepFailed("no image", reason="none", hint="invoke build", details=("a",))
    suite = suite_of(CheckResult(check="GET /", problem=None), error=stopped)
    assert counts(suite) == ("2", "0", "1")
    (error,) = suite.iter("error")
    assert (error.get("message"), error.get("type"), error.text) == (
        "no image: none",
        "StepFailed",
        "no image\na\nwhy:  none\nnext: invoke build",
    )


def test_whatever_the_app_wrote() -> None:
    """Characters that XML does not allow are removed: control characters, surrogates, escape sequences."""
    wild = "".join(map(chr, [*range(32), 0x7F, 0x85, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1F6A2])) + "\x1b[31mred\x1b[0m"
    suite = suite_of(CheckResult(check=wild, problem=wild, seconds=0), AppLog(lines=(wild,)))
    assert (suite.findtext("system-out") or "").endswith("\U0001f6a2red")
